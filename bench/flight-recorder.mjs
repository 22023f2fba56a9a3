// A flight recorder for minutes: resident memory must not grow, and a dump must hold what was asked for.
// node bench/flight-recorder.mjs [seconds=600] [spans per second=200000] [bufferMB=64] [keepMs=60000]
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { op, record, startSession } from '../lib/index.js'

const [seconds = 600, perSecond = 200_000, bufferMB = 64, keepMs = 60_000] = process.argv.slice(2).map(Number)
const TICK_MS = 10
const MIB = 2 ** 20

const session = startSession({ state: 'CPU', bufferMB, keepMs })
const conv = op('conv')
const residentMB = () => process.memoryUsage.rss() / MIB
const endMs = performance.now() + seconds * 1000
const quarters = []
let peakMB = 0
let spans = 0
let dumped

while (performance.now() < endMs) {
  await record('request', async () => {
    for (let i = 0; i < (perSecond * TICK_MS) / 1000; i++) {
      conv.begin()
      conv.end()
    }
    spans += (perSecond * TICK_MS) / 1000 + 1
    await sleep(TICK_MS)
  })
  const elapsed = 1 - (endMs - performance.now()) / (seconds * 1000)
  // The first quarter fills the window.
  if (elapsed > 0.25) peakMB = Math.max(peakMB, residentMB())
  if (elapsed > (quarters.length + 1) / 4) quarters.push(Math.round(residentMB()))
}
dumped = await session.dump(join(tmpdir(), 'opscope-flight.pftrace'))
const { dropped } = session.stats
await session.stop()

const line = (label, value) => console.log(`${label.padEnd(34)}${value}`)
line('spans recorded', spans.toLocaleString('en'))
line('resident MiB after each quarter', quarters.join(' '))
line('largest after the first, MiB', peakMB.toFixed(0))
line('spans dropped', String(dropped))
line('window of the last dump, ms', (dumped.durationNs / 1e6).toFixed(0))
line('spans in it', dumped.spans.length.toLocaleString('en'))
for (const { code, message } of dumped.warnings) line('warning', `${code}: ${message}`)
