// From what the threads logged to a complete op report, and the memory that an event takes on the way. The floor is
// copying a 32-byte record a span: 150 M/s on the machine where the target, 30 M/s, was set.
import { profiler } from 'opscope'

import { copySeconds, rssBytes, warmFreeMemory } from './memory.mjs'
import { startAndRecord } from './model-spans.mjs'
import { median } from './rounds.mjs'
import { printRow } from './rows.mjs'

const RECORD_BYTES = 32
const MERGE_BYTES = 100 // a span's columns and what computing its row takes
const TARGET = 30 / 150 // for 1e7 spans
const SIZES = (process.argv[2] ?? '1e5,1e6,1e7').split(',')

copySeconds(1e9)
printRow('JavaScript heap and code before the first span', rssBytes() / 2 ** 20, 'MiB')
// The largest first: memory that a smaller one left behind would not be counted.
await printMemory(Math.max(...SIZES.map(Number)))
for (const size of SIZES) await printReport(size)

async function printMemory(count) {
  gc()
  const before = rssBytes()
  startAndRecord(count)
  const recorded = rssBytes()
  const capture = await profiler.stopProfiler()
  gc()
  const stopped = rssBytes()
  printRow(`memory of a span while recording, of ${count}`, (recorded - before) / count, 'B', { floor: 24 })
  printRow(`memory of a span in a capture, of ${count}`, (stopped - before) / capture.spans.length, 'B')
}

async function printReport(size) {
  const count = Number(size)
  const runs = count >= 1e7 ? 3 : count >= 1e6 ? 9 : 31
  const seconds = { copy: [], stop: [], stopSync: [], text: [] }
  const stalls = []
  for (let run = 0; run < runs; run++) {
    seconds.copy.push(copySeconds(count * RECORD_BYTES))

    startAndRecord(count)
    await warmFreeMemory(count * MERGE_BYTES)
    const longestStall = watchLoop()
    const start = performance.now()
    const capture = await profiler.stopProfiler()
    const stopped = performance.now()
    stalls.push(longestStall())
    const text = capture.report()
    seconds.text.push((performance.now() - stopped) / 1000)
    seconds.stop.push((stopped - start) / 1000)
    if (capture.spans.length < count || !text.includes('op9'))
      throw new Error(`${capture.spans.length} of ${count} spans`)

    startAndRecord(count)
    await warmFreeMemory(count * MERGE_BYTES)
    const startSync = performance.now()
    profiler.stopProfilerSync()
    seconds.stopSync.push((performance.now() - startSync) / 1000)
  }
  const perSecond = values => count / median(values) / 1e6
  const floor = perSecond(seconds.copy)
  const whole = seconds.stop.map((stop, run) => stop + seconds.text[run])
  printRow(`copy of a 32 B record a span, ${size}`, floor, 'M spans/s')
  printRow(`log to op report as text, ${size}`, perSecond(whole), 'M spans/s', {
    floor,
    target: count >= 1e7 ? TARGET : null,
  })
  printRow(`log to op tables, stopProfiler, ${size}`, perSecond(seconds.stop), 'M spans/s', { floor })
  printRow(`log to op tables, stopProfilerSync, ${size}`, perSecond(seconds.stopSync), 'M spans/s', { floor })
  printRow(`capture.report() alone, ${size}`, median(seconds.text) * 1000, 'ms')
  printRow(`longest stall of the event loop in stopProfiler, ${size}`, median(stalls), 'ms')
}

/** The longest time that a timer of 1 ms was late, in ms, until the returned function is called. */
function watchLoop() {
  let last = performance.now()
  let longest = 0
  const look = () => {
    const now = performance.now()
    longest = Math.max(longest, now - last - 1)
    last = now
  }
  const timer = setInterval(look, 1)
  return () => {
    clearInterval(timer)
    look()
    return longest
  }
}
