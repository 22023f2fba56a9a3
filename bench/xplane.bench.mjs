// How fast a capture becomes an XSpace in memory, off the JavaScript thread, how long that thread waits meanwhile, and
// what the same costs in JavaScript: protobufjs with the schema of the format, and a writer of varints by hand.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'

import { native } from '../lib/binding.js'
import { RowsBuilder } from '../lib/rows-builder.js'
import { median } from './rounds.mjs'
import { importPeer, printRow } from './rows.mjs'

const MOST = Number(process.argv[2] ?? 1e6)
const ROUNDS = 5
const PEER_SPANS = 100_000
const NAMES = Array.from({ length: 60 }, (_, i) => `elementwise_op_${i}`)

/** Ops of four spans each, the first around the others. */
function spansOf(count) {
  const spans = []
  for (let i = 0, now = 0; i < count; i += 4) {
    const lengthNs = 3000 + ((i * 7919) % 30_000)
    spans.push([NAMES[(i / 4) % NAMES.length], now, lengthNs])
    for (let part = 0; part < 3; part++) spans.push([`phase${part}`, now + 10 + (part * lengthNs) / 4, lengthNs / 5])
    now += lengthNs + 500
  }
  return spans.map(([name, startNs, durationNs]) => [name, Math.trunc(startNs), Math.trunc(durationNs)])
}

async function bench(count) {
  const builder = new RowsBuilder()
  const main = builder.addThread('main', 1000)
  for (const [name, startNs, durationNs] of spansOf(count)) {
    builder.addSpan(main, builder.name(name, 'cpu_op'), startNs, startNs + durationNs)
  }
  const recording = await native().build(builder.rows())
  const seconds = []
  const delay = monitorEventLoopDelay({ resolution: 1 })
  let bytes
  for (let round = 0; round < ROUNDS; round++) {
    delay.enable()
    const start = performance.now()
    bytes = await native().toXplane(recording)
    seconds.push((performance.now() - start) / 1000)
    delay.disable()
  }
  const rate = count / median(seconds) / 1e6
  const moves = Array.from({ length: ROUNDS }, () => {
    const copy = Buffer.allocUnsafe(bytes.length).fill(0)
    const start = performance.now()
    copy.set(bytes)
    return (performance.now() - start) / 1000
  })
  const move = count / median(moves) / 1e6
  printRow(`XSpace in memory, ${count} spans`, rate, 'M events/s', { target: 10 })
  printRow(`a copy of its bytes, ${count} spans`, move, 'M events/s')
  printRow(`bytes of a span in it, ${count} spans`, bytes.length / count, 'B')
  printRow(`event loop delay meanwhile, p99, ${count} spans`, delay.percentile(99) / 1e6, 'ms', { target: 5 })
  printRow(`event loop delay meanwhile, most, ${count} spans`, delay.max / 1e6, 'ms')
}

/** Peers block the thread that they run on. */
async function benchPeers() {
  const spans = spansOf(PEER_SPANS)
  const ids = new Map()
  for (const [name] of spans) if (!ids.has(name)) ids.set(name, ids.size + 1)
  const ms = { protobufjs: [], varints: [] }
  const protobuf = await importPeer('protobufjs')
  const schema = fileURLToPath(new URL('../test/format/xplane.proto', import.meta.url))
  const space = protobuf?.default.loadSync(schema).lookupType('tensorflow.profiler.XSpace')
  for (let round = 0; round < ROUNDS; round++) {
    let start = performance.now()
    if (space !== undefined) {
      const events = spans.map(([name, startNs, durationNs]) => ({
        metadataId: ids.get(name),
        offsetPs: startNs * 1000,
        durationPs: durationNs * 1000,
      }))
      const eventMetadata = Array.from(ids, ([name, id]) => ({ key: id, value: { id, name } }))
      space
        .encode({ planes: [{ name: '/host:CPU', lines: [{ id: 1000, name: 'main', events }], eventMetadata }] })
        .finish()
      ms.protobufjs.push(performance.now() - start)
    }
    start = performance.now()
    const buffer = Buffer.allocUnsafe(32 * spans.length)
    let at = 0
    const varint = value => {
      for (; value > 127; value = Math.floor(value / 128)) buffer[at++] = (value % 128) | 128
      buffer[at++] = value
    }
    for (const [name, startNs, durationNs] of spans) {
      buffer[at++] = 0x22
      const length = at++
      buffer[at++] = 0x08
      varint(ids.get(name))
      buffer[at++] = 0x10
      varint(startNs * 1000)
      buffer[at++] = 0x18
      varint(durationNs * 1000)
      buffer[length] = at - length - 1
    }
    ms.varints.push(performance.now() - start)
  }
  if (space !== undefined) {
    printRow(`peer: protobufjs, ${PEER_SPANS} spans`, PEER_SPANS / median(ms.protobufjs) / 1e3, 'M events/s')
  }
  printRow(`peer: varints in JavaScript, ${PEER_SPANS} spans`, PEER_SPANS / median(ms.varints) / 1e3, 'M events/s')
}

for (const count of [1e5, 1e6, 1e7]) if (count <= MOST) await bench(count)
await benchPeers()
