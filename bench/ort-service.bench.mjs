// What profiling adds to a service that runs for long: 200,000 runs of an eight-node model, profiled in
// windows of 1,000 (start, serve, stop), against the same runs unprofiled.
// Bound: 64 MiB of resident memory more than before the first window.
import * as ort from 'onnxruntime-node'
import { profiler } from 'opscope'
import { instrument } from 'opscope/integrations/onnxruntime'

import { encodeModel, node, value } from '../examples/demo/onnx-model.mjs'

const RUNS = Number(process.argv[2] ?? 200_000)
const WINDOW = 1000
const BOUND_MIB = 64
const NODES = ['Exp', 'Sin', 'Cos', 'Abs', 'Sqrt', 'Tanh', 'Neg', 'Floor']

const model = encodeModel({
  name: 'eight',
  nodes: NODES.map((op, index) => node(op, `node${index}`, [`v${index}`], [`v${index + 1}`])),
  inputs: [value('v0', [16])],
  outputs: [value(`v${NODES.length}`, [16])],
})
const feeds = { v0: new ort.Tensor('float32', new Float32Array(16).fill(0.5), [16]) }
const options = { intraOpNumThreads: 1 }

const rssMib = () => process.memoryUsage().rss / 2 ** 20
const serve = async session => {
  const start = performance.now()
  for (let run = 0; run < WINDOW; run++) await session.run(feeds)
  return performance.now() - start
}
const perRun = (ms, runs) => `${((ms * 1000) / runs).toFixed(1)} µs a run`

const plain = await ort.InferenceSession.create(model, options)
let plainMs = 0
for (let window = 0; window < 20; window++) plainMs = await serve(plain)
await plain.release()

instrument(ort)
const session = await ort.InferenceSession.create(model, options)
let offMs = 0
for (let window = 0; window < 20; window++) offMs = await serve(session)

// The first windows bring in code and the recorder's memory, as they do once in the life of a service.
const profiled = async () => {
  profiler.startProfiler({ state: 'CPU', print: false })
  const ms = await serve(session)
  const capture = await profiler.stopProfiler({ print: false })
  return { ms, nodeCalls: capture.ops().find(row => row.path.join('>').endsWith('Exp'))?.calls ?? 0 }
}
globalThis.gc?.()
const before = rssMib()
let highest = before
let onMs = 0
let brokenDown = 0
for (let window = 0; window < RUNS / WINDOW; window++) {
  const { ms, nodeCalls } = await profiled()
  onMs += ms
  brokenDown += nodeCalls
  highest = Math.max(highest, rssMib())
  if (nodeCalls === 0) throw new Error(`window ${window} lists no nodes`)
}
const added = highest - before
console.log(
  `never instrumented ${perRun(plainMs, WINDOW)}, off ${perRun(offMs, WINDOW)}, profiled ${perRun(onMs, RUNS)}`,
)
console.log(`${RUNS} profiled runs, ${brokenDown} of them with their nodes`)
console.log(`resident memory ${before.toFixed(0)} MiB, at most ${added.toFixed(1)} MiB more (bound ${BOUND_MIB})`)
process.exitCode = added <= BOUND_MIB ? 0 : 1
