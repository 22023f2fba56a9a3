// Writes trace.pftrace: four requests to a small model on a GPU, made of plain rows, so that the report of the file
// is the same on every machine. The pages in docs/ read it. Usage: node examples/sample-trace.mjs [FILE]
import { buildCapture } from 'opscope'

const ms = 1e6
const spans = []
const launches = []
const gpu = []

function span(name, from, to, more) {
  spans.push({ thread: 'main', name, startNs: from * ms, endNs: to * ms, category: 'cpu_op', ...more })
}
/** An API call of the host, and what a GPU does for it. */
function launch(api, from, to, work) {
  const correlationId = launches.length + 1
  launches.push({ thread: 'main', name: api, startNs: from * ms, endNs: to * ms, correlationId })
  gpu.push({ ...work, startNs: work.startNs * ms, endNs: work.endNs * ms, stream: 7, correlationId })
}
const copy = (from, to, bytes, startNs, endNs) => ({ kind: 'copy', name: 'copy', from, to, bytes, startNs, endNs })

for (let request = 0; request < 4; request++) {
  const at = request * 10
  const end = request === 3 ? at + 6 : at + 5 // of the encoder: the last request takes longer
  const parentId = `${request + 1}0`
  const child = digit => ({ ids: { spanId: `${request + 1}${digit}`, parentId } })
  span('request', at, end + 3, { isAsync: true, category: 'request', ids: { spanId: parentId } })
  span('tokenize', at, at + 1, child(1))
  span('encoder', at + 1, end, child(2))
  span('encoder', at + 1, end, { role: 'instance', instance: 'layer0' })
  span('prepare_data', at + 1, at + 2, { role: 'phase' })
  launch('cudaMemcpyAsync', at + 1.25, at + 1.75, copy('pinned', 'device', 2 ** 20, at + 1.5, at + 1.75))
  span('compute', at + 2, end - 0.5, { role: 'phase' })
  launch('cudaLaunchKernel', at + 2.5, at + 2.75, { kind: 'kernel', name: 'gemm', startNs: at + 3, endNs: end - 1 })
  span('fetch', end, end + 2, child(3))
  launch('cudaMemcpy', end + 0.5, end + 1.5, copy('device', 'pageable', 2 ** 18, end + 1, end + 1.25))
}

const attributes = { model: 'tiny' }
const capture = await buildCapture({ spans, launches, gpu, durationNs: 40 * ms, processId: 1, attributes })
await capture.export(process.argv[2] ?? 'trace.pftrace')
