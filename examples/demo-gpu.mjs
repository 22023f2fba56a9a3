// A small network on a GPU, profiled while it runs: npm run demo:gpu [-- batches=20 profilePath=demo-gpu.pftrace]
// Its kernels are compiled here by the nvcc of your CUDA toolkit. Where there is no GPU or no toolkit, it says so.
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { diagnose, op, profile, recordSync } from 'opscope'

import { buildCuda } from '../scripts/gpu-libraries.mjs'
import { fixedNoise } from './demo/demo-network.mjs'

const BATCH = 64
const WIDTH = 512
const LAYERS = 4

const given = Object.fromEntries(process.argv.slice(2).map(argument => argument.split('=')))
const batches = Number(given.batches ?? 20)
const network = openNetwork()
if (network.reason !== undefined) {
  console.log(`This demo needs a GPU, a driver and a CUDA toolkit: ${network.reason}`)
  console.log('The demo that runs everywhere: npm run demo')
  process.exit(0)
}

const weights = fixedNoise(LAYERS * WIDTH * WIDTH, 1).map(value => value / Math.sqrt(WIDTH))
const biases = fixedNoise(LAYERS * WIDTH, 2)
const inputs = fixedNoise(BATCH * WIDTH, 3)
const outputs = new Float32Array(BATCH * WIDTH)
network.open(BATCH, WIDTH, LAYERS, weights, biases)

const upload = op('upload')
const dense = op('dense')
const denseCompute = dense.phase('compute')
const replay = op('dense as a graph')
const replayCompute = replay.phase('compute')
const download = op('download')

within(upload, () => network.upload(0, inputs, 0))
layers(0)
network.capture(1)

const capture = await profile({ state: 'All', tracerOption: 'OpDetail', gpu: 'required' }, () => {
  for (let batch = 0; batch < batches; batch++) {
    const stream = batch % 2
    recordSync('predict', () => {
      within(upload, () => network.upload(stream, inputs, stream))
      if (stream === 0) layers(stream)
      else within(replay, () => within(replayCompute, () => network.replay(stream)))
      within(download, () => network.download(stream, outputs))
    })
  }
})
console.log(capture.report({ sortedKey: 'total', tracerOption: 'OpDetail' }))
if (given.profilePath !== undefined) await capture.export(given.profilePath)
console.log(`\nLargest difference from the same row on the CPU: ${differenceFromCpu().toExponential(1)}`)
process.exit(0)

function layers(stream) {
  for (let layer = 0; layer < LAYERS; layer++) {
    within(dense, () => {
      within(denseCompute, () => {
        network.matmul(stream, layer)
        network.biasRelu(stream, layer)
      })
    })
  }
}

function within(span, work) {
  span.begin()
  try {
    work()
  } finally {
    span.end()
  }
}

/** The network's functions, or why there are none. */
function openNetwork() {
  const { gpu } = diagnose()
  if (!gpu.available) return { reason: `${gpu.reason}: ${gpu.detail}` }
  const output = fileURLToPath(new URL('../build/gpu-suite/libdemo_network.so', import.meta.url))
  const built = buildCuda({ folder: 'examples/demo', output, isNative: true })
  if (built.reason !== undefined) return built
  const require = createRequire(import.meta.url)
  let koffi
  try {
    koffi = require('koffi')
  } catch {
    return { reason: 'the package koffi, which calls the kernels, is not installed' }
  }
  const library = koffi.load(built.path)
  const errorText = library.func('const char *net_error()')
  const checked = prototype => {
    const call = library.func(prototype)
    return (...values) => {
      if (call(...values) !== 0) throw new Error(errorText())
    }
  }
  return {
    open: checked('int net_open(int batch, int width, int layers, float *weights, float *biases)'),
    upload: checked('int net_upload(int stream, float *batch, int is_async)'),
    matmul: checked('int net_matmul(int stream, int layer)'),
    biasRelu: checked('int net_bias_relu(int stream, int layer)'),
    capture: checked('int net_capture(int stream)'),
    replay: checked('int net_replay(int stream)'),
    download: checked('int net_download(int stream, _Out_ float *batch)'),
  }
}

/** One row of the batch, computed again without a GPU. */
function differenceFromCpu() {
  let row = inputs.slice(0, WIDTH)
  for (let layer = 0; layer < LAYERS; layer++) {
    row = Float32Array.from({ length: WIDTH }, (_, column) => {
      let total = biases[layer * WIDTH + column]
      for (let i = 0; i < WIDTH; i++) total += row[i] * weights[(layer * WIDTH + i) * WIDTH + column]
      return Math.max(0, total)
    })
  }
  return Math.max(...row.map((value, i) => Math.abs(value - outputs[i])))
}
