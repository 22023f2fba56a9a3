import { holdsProfileRecord } from './profile-log/records.js'
import { LENGTH, VARINT, WireError, WireReader } from './wire-reader.js'

/** What the first bytes of a file say it is. */
export type FileKind =
  | 'json'
  | 'cpuprofile'
  | 'perfetto'
  | 'paddle'
  | 'xplane'
  | 'profile-log'
  | 'gzip'
  | 'empty'
  | { foreign: string }

const MAGICS: [magic: string, what: string][] = [
  ['28b52ffd', 'a zstd archive'],
  ['504b0304', 'a ZIP archive'],
  ['4152524f5731', 'an Arrow file'],
  ['50415231', 'a Parquet file'],
  ['53514c69746520666f726d6174', 'an SQLite database'],
  ['7f454c46', 'a program'],
  ['89504e47', 'a picture'],
  ['25504446', 'a PDF'],
]

/** `head`: the first bytes of the file, 4 KiB are plenty. */
export function fileKind(head: Buffer): FileKind {
  if (head.length === 0) {
    return 'empty'
  }
  if (head[0] === 0x1f && head[1] === 0x8b) {
    return 'gzip'
  }
  const hex = head.toString('hex', 0, 16)
  const known = MAGICS.find(([magic]) => hex.startsWith(magic))
  if (known !== undefined) {
    return { foreign: known[1] }
  }
  // A record holds a tab, which JSON has in no string; a logger's prefix may well begin with a bracket.
  const isLog = holdsProfileRecord(head.toString('latin1'))
  if (isLog && isPlainText(head)) {
    return 'profile-log'
  }
  // A protobuf may begin with the byte of a line feed, and JSON may too: the stricter look goes first.
  const message = protobufKind(head)
  if (message !== undefined) {
    return message
  }
  if (isLog) {
    return 'profile-log'
  }
  const text = head
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart()
  if (isCpuProfile(text)) {
    return 'cpuprofile'
  }
  if (text.startsWith('{') || text.startsWith('[')) {
    return 'json'
  }
  if (text.startsWith('<')) {
    return { foreign: 'a web page or XML' }
  }
  return { foreign: 'no trace that opscope knows' }
}

// All are one message whose field 1 repeats. A Paddle event begins with its name and has start_ns and end_ns as varints
// 2 and 3; field 2 of a Perfetto packet is a message, and every packet has a field from 6 on; a value type of pprof has
// varints 1 and 2 and nothing else.
function protobufKind(head: Buffer): FileKind | undefined {
  if (isXplane(head)) return 'xplane'
  try {
    const outer = new WireReader(head)
    const first = outer.next()
    if (first === undefined) {
      return head[0] === 0x0a && !isText(head) ? 'perfetto' : undefined
    }
    if (first.wireType === VARINT && first.number === 2) {
      return 'paddle' // a profile without events
    }
    if (first.number !== 1 || first.wireType !== LENGTH || first.bytes.length === 0) {
      return undefined
    }
    const inner = new WireReader(first.bytes)
    let isPaddle = false
    let isPprof = true
    for (let field = inner.next(); field !== undefined; field = inner.next()) {
      isPaddle ||= field.number === 2 && field.wireType === VARINT
      isPprof &&= field.number <= 2 && field.wireType === VARINT
    }
    if (isPprof && inner.isAtEnd) return { foreign: 'a pprof profile' }
    if (!inner.isAtEnd || (!outer.isAtEnd && head[outer.position] !== 0x0a && !isPaddle)) {
      return undefined
    }
    return isPaddle ? 'paddle' : 'perfetto'
  } catch (error) {
    if (error instanceof WireError) {
      return undefined
    }
    throw error
  }
}
// A plane of an XSpace has its number or none, and then its name: a path, or two words. What Perfetto has there begins
// with a tag.
function isXplane(head: Buffer): boolean {
  const lengthBytes = head.subarray(1, 11).findIndex(byte => byte < 0x80) + 1
  if (head[0] !== 0x0a || lengthBytes === 0) return false
  try {
    const plane = new WireReader(head.subarray(1 + lengthBytes), Number.POSITIVE_INFINITY)
    let field = plane.next()
    if (field?.number === 1 && field.wireType === VARINT) field = plane.next()
    if (field?.number !== 2 || field.wireType !== LENGTH) return false
    return /^(\/[a-zA-Z]+:|Task Environment$)/.test(Buffer.from(field.bytes).toString('latin1'))
  } catch {
    return false
  }
}
// A profile of V8 has these keys and no others, in any order; the stacks are nodes of call frames.
function isCpuProfile(text: string): boolean {
  const [, key] = /^\{\s*"(nodes|samples|timeDeltas|startTime|endTime)"\s*:/.exec(text) ?? []
  return key !== undefined && (key !== 'nodes' || text.includes('"callFrame"'))
}
function isText(head: Buffer): boolean {
  return /^\s*["{[\]}\w]/.test(head.toString('latin1', 0, 32)) && isPlainText(head.subarray(0, 256))
}
function isPlainText(head: Buffer): boolean {
  return head.every(byte => byte >= 0x20 || (byte >= 9 && byte <= 13))
}
