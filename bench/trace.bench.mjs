// Writing a trace file, beside write(2) of the same bytes to the same disk, and into nothing, beside copying the bytes
// in memory. Perfetto's target, 30 M spans/s, was set where 32 bytes were copied 150 M times a second.
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { profiler } from 'opscope'

import { copySeconds, peakRssBeyond } from './memory.mjs'
import { startAndRecord } from './model-spans.mjs'
import { median } from './rounds.mjs'
import { printRow } from './rows.mjs'

const SIZES = (process.argv[2] ?? '1e5,1e6,1e7').split(',')
const PIECE_BYTES = 1 << 20
const PEER_SPANS = 1e6
const folder = mkdtempSync(join(tmpdir(), 'opscope-bench-'))

try {
  copySeconds(1e9)
  for (const size of SIZES) {
    startAndRecord(Number(size))
    const capture = await profiler.stopProfiler()
    await printFormat(capture, size, 'Chrome JSON', 'trace.json', 'chrome')
    await printFormat(capture, size, 'Perfetto', 'trace.pftrace', 'perfetto')
    if (capture.spans.length <= 2 * PEER_SPANS) printStringify(capture, size)
  }
} finally {
  rmSync(folder, { recursive: true })
}

async function printFormat(capture, size, title, file, format) {
  const path = join(folder, file)
  const count = capture.spans.length
  const runs = count >= 1e7 ? 5 : 9
  const seconds = { file: [], write: [], memory: [], copy: [], copyRecords: [] }
  const timed = async work => {
    const start = performance.now()
    await work()
    return (performance.now() - start) / 1000
  }
  let bytes = 0
  const peak = await peakRssBeyond(async () => {
    bytes = (await capture.export(path)).bytes
  })
  if (bytes === 0) throw new Error(`${file} is empty`)
  const piece = firstBytes(path)
  rmSync(path)
  for (let run = 0; run < runs; run++) {
    for (const [key, write] of [
      ['write', () => writePieces(path, piece, bytes)],
      ['file', () => capture.export(path)],
    ]) {
      // A file that is gone needs no disk, and its memory is the next one's: some virtual machines take what is free
      // back within seconds, and a first touch would be most of the time.
      writePieces(path, piece, bytes)
      rmSync(path)
      seconds[key].push(await timed(write))
      rmSync(path)
    }
    seconds.copy.push(copySeconds(bytes))
    seconds.copyRecords.push(copySeconds(count * 32))
    seconds.memory.push(await timed(() => capture.export('/dev/null', { format })))
  }
  const perSecond = values => count / median(values) / 1e6
  const [write, copy, copyRecords] = [seconds.write, seconds.copy, seconds.copyRecords].map(perSecond)
  // The targets are for 1e7 spans: with fewer, opening and renaming the file is most of the time.
  const isFull = count >= 1e7
  const isChrome = format === 'chrome'
  printRow(`${title} to a file, ${size}`, perSecond(seconds.file), 'M spans/s', {
    floor: write,
    target: isFull && isChrome ? 0.8 : null,
  })
  printRow(`${title} to /dev/null, ${size}`, perSecond(seconds.memory), 'M spans/s', {
    floor: isChrome ? copy : copyRecords,
    target: isFull ? (isChrome ? 0.45 : 30 / 150) : null,
  })
  printRow(`${title}, size of a span, ${size}`, bytes / count, 'B', { target: isChrome ? null : 36 })
  printRow(`${title}, peak memory beyond the capture, ${size}`, peak / 2 ** 20, 'MiB', { target: 64 })
}

function firstBytes(path) {
  const piece = Buffer.alloc(PIECE_BYTES)
  const file = openSync(path)
  const length = readSync(file, piece)
  closeSync(file)
  return piece.subarray(0, length)
}

function writePieces(path, piece, bytes) {
  const file = openSync(path, 'w')
  for (let left = bytes; left > 0; left -= piece.length) writeSync(file, piece, 0, Math.min(left, piece.length))
  closeSync(file)
}

/** The way of most tracers: an object and a JSON.stringify for each event, some thousand of them a write. */
function printStringify({ spans }, size) {
  const path = join(folder, 'peer.json')
  const start = performance.now()
  const file = openSync(path, 'w')
  let lines = []
  writeSync(file, '[')
  for (let row = 0; row < spans.length; row++) {
    const { text: name } = spans.names[spans.name[row]]
    const ts = Number(spans.startNs[row]) / 1000
    const dur = Number(spans.durationNs[row]) / 1000
    lines.push(JSON.stringify({ name, cat: 'cpu_op', ph: 'X', ts, dur, pid: process.pid, tid: 1 }))
    if (lines.length === 8192) {
      writeSync(file, `${lines.join(',\n')},\n`)
      lines = []
    }
  }
  writeSync(file, `${lines.join(',\n')}]`)
  closeSync(file)
  const seconds = (performance.now() - start) / 1000
  if (spans.length < 2e5) JSON.parse(readFileSync(path, 'utf8').replace(/,\n\]$/, ']'))
  rmSync(path)
  printRow(`peer: JSON.stringify of each span, to a file, ${size}`, spans.length / seconds / 1e6, 'M spans/s')
}
