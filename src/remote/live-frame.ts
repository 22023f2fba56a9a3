// The messages of opscope.v1.Live/Watch. Every list has a most and every name a most of bytes, so that a frame has less
// than 16 KiB whatever the process does; the figures below are those of a frame that is full.
import { LENGTH, numberOfVarint, VARINT, WireReader } from '../import/wire-reader.js'
import { WireWriter } from './wire-writer.js'

export interface LiveRow {
  /** As printed: `infer/matmul`. */
  name: string
  calls: number
  totalNs: number
  p50Ns: number
  p99Ns: number
  maxNs: number
  gpuNs: number
  /** Moved by copies. */
  bytes: number
  /** Have not ended: how many, and since when the oldest. */
  open: number
  oldestNs: number
}
export interface LiveDevice {
  name: string
  /** Of the window, per mille. */
  busyPermille: number
}
/** What a process did in the last second. */
export interface LiveFrame {
  /** From 1; a number that is missing was not sent, as the watcher was slow. */
  sequence: number
  /** Wall clock of the process, ms since the Unix epoch. */
  atMs: number
  /** What ops, kernels and copies are of. */
  windowNs: number
  /** What requests, and spans that were open across an await, are of. */
  elapsedNs: number
  program: string
  host: string
  pid: number
  spanCount: number
  /** Spans without room, since somebody watches. */
  dropped: number
  rssBytes: number
  heapBytes: number
  utilizationPermille: number
  delayMeanNs: number
  delayMaxNs: number
  gcCount: number
  gcNs: number
  watchers: number
  /** Why there are no rows of a GPU; empty: they are recorded. */
  noGpuReason: string
  /** Of all requests together; those inside of others count with them. */
  request: LiveRow
  /** By name, the most time first, as all that follow. */
  requests: LiveRow[]
  ops: LiveRow[]
  kernels: LiveRow[]
  copies: LiveRow[]
  devices: LiveDevice[]
  /** How many there were, shown or not. */
  opCount: number
  kernelCount: number
}
export interface WatchRequest {
  /** Sends each so many seconds; 0: each. */
  everySeconds: number
  /** Ops in a frame; 0: {@link DEFAULT_OPS}. */
  ops: number
}

export const DEFAULT_OPS = 20
export const MAX_OPS = 40
export const MAX_KERNELS = 12
export const MAX_COPIES = 8
export const MAX_REQUESTS = 6
export const MAX_DEVICES = 8
export const MAX_EVERY_SECONDS = 3600
export const MAX_NAME_BYTES = 128
/** Of a frame: (40 + 12 + 8 + 6) rows of at most 217, 8 devices of 136, 3 texts of 131, and 20 numbers of 10. */
export const MAX_FRAME_BYTES = 16_384

/** Cut in the middle to what a name may have in a frame, between characters. */
export function frameName(text: string): string {
  if (text.length * 3 <= MAX_NAME_BYTES) return text
  const bytes = Buffer.from(text)
  if (bytes.length <= MAX_NAME_BYTES) return text
  const half = (MAX_NAME_BYTES - Buffer.byteLength(ELLIPSIS)) >> 1
  let headEnd = half
  while (isInsideCharacter(bytes[headEnd]!)) headEnd -= 1
  let tailStart = bytes.length - half
  while (isInsideCharacter(bytes[tailStart]!)) tailStart += 1
  return `${bytes.toString('utf8', 0, headEnd)}${ELLIPSIS}${bytes.toString('utf8', tailStart)}`
}
const ELLIPSIS = '…'
const isInsideCharacter = (byte: number) => (byte & 0xc0) === 0x80

export const NO_ROW: LiveRow = {
  name: '',
  calls: 0,
  totalNs: 0,
  p50Ns: 0,
  p99Ns: 0,
  maxNs: 0,
  gpuNs: 0,
  bytes: 0,
  open: 0,
  oldestNs: 0,
}
export const NO_FRAME: LiveFrame = {
  sequence: 0,
  atMs: 0,
  windowNs: 0,
  elapsedNs: 0,
  program: '',
  host: '',
  pid: 0,
  spanCount: 0,
  dropped: 0,
  rssBytes: 0,
  heapBytes: 0,
  utilizationPermille: 0,
  delayMeanNs: 0,
  delayMaxNs: 0,
  gcCount: 0,
  gcNs: 0,
  watchers: 0,
  noGpuReason: '',
  request: NO_ROW,
  requests: [],
  ops: [],
  kernels: [],
  copies: [],
  devices: [],
  opCount: 0,
  kernelCount: 0,
}

// A key's place is its field number, from 1: append, never reorder. The service is of version 1 by these.
const ROW_KEYS = ['name', 'calls', 'totalNs', 'p50Ns', 'p99Ns', 'maxNs', 'gpuNs', 'bytes', 'open', 'oldestNs'] as const
const DEVICE_KEYS = ['name', 'busyPermille'] as const
const FRAME_KEYS = [
  ...(['sequence', 'atMs', 'windowNs', 'elapsedNs', 'program', 'host', 'pid', 'spanCount', 'dropped'] as const),
  ...(['rssBytes', 'heapBytes', 'utilizationPermille', 'delayMeanNs', 'delayMaxNs', 'gcCount', 'gcNs'] as const),
  ...(['watchers', 'noGpuReason', 'opCount', 'kernelCount'] as const),
]
const LISTS = ['request', 'requests', 'ops', 'kernels', 'copies', 'devices'] as const
const FIRST_LIST = 32

export function encodeWatchRequest({ everySeconds, ops }: WatchRequest): Buffer {
  return new WireWriter().varint(1, everySeconds).varint(2, ops).finish()
}
/** @throws Error for bytes that are no such message, as below */
export function decodeWatchRequest(bytes: Uint8Array): WatchRequest {
  const request: WatchRequest = { everySeconds: 0, ops: 0 }
  read(bytes, ['everySeconds', 'ops'], request)
  return request
}

export function encodeLiveFrame(frame: LiveFrame): Buffer {
  const writer = write(FRAME_KEYS, frame)
  for (const [index, key] of LISTS.entries()) {
    const rows = key === 'request' ? [frame.request] : frame[key]
    for (const row of rows) {
      const inner = key === 'devices' ? write(DEVICE_KEYS, row as LiveDevice) : write(ROW_KEYS, row as LiveRow)
      writer.message(FIRST_LIST + index, inner)
    }
  }
  return writer.finish()
}
export function decodeLiveFrame(bytes: Uint8Array): LiveFrame {
  const frame: LiveFrame = { ...NO_FRAME, requests: [], ops: [], kernels: [], copies: [], devices: [] }
  read(bytes, FRAME_KEYS, frame, (number, inner) => {
    const key = LISTS[number - FIRST_LIST]
    if (key === undefined) return
    // Of a server that is none of ours.
    if (key !== 'request' && frame[key].length >= MAX_OPS) return
    if (key === 'devices') return frame.devices.push(read(inner, DEVICE_KEYS, { name: '', busyPermille: 0 }))
    const row = read(inner, ROW_KEYS, { ...NO_ROW })
    if (key === 'request') frame.request = row
    else frame[key].push(row)
  })
  return frame
}

function write<Message extends object>(keys: readonly (keyof Message)[], message: Message): WireWriter {
  const writer = new WireWriter()
  for (const [index, key] of keys.entries()) {
    const value = message[key]
    if (typeof value === 'string') writer.string(index + 1, frameName(value))
    else writer.varint(index + 1, Math.max(0, Math.round(Number(value))))
  }
  return writer
}

function read<Message extends object>(
  bytes: Uint8Array,
  keys: readonly (keyof Message)[],
  message: Message,
  onOther: (number: number, bytes: Uint8Array) => void = () => {},
): Message {
  const target = message as Record<keyof Message, unknown>
  const reader = new WireReader(bytes, Number.POSITIVE_INFINITY)
  for (let field = reader.next(); field !== undefined; field = reader.next()) {
    const key = keys[field.number - 1]
    if (key === undefined) {
      if (field.wireType === LENGTH) onOther(field.number, field.bytes)
    } else if (typeof target[key] === 'string' && field.wireType === LENGTH) {
      target[key] = frameName(Buffer.from(field.bytes.subarray(0, 4 * MAX_NAME_BYTES)).toString())
    } else if (typeof target[key] === 'number' && field.wireType === VARINT) {
      target[key] = numberOfVarint(field)
    }
  }
  if (!reader.isAtEnd) throw new Error('the message ends in the middle of a field')
  return message
}
