// An inference server: HTTP and gRPC in front of one queue that batches, with every stage of its requests traced.
//   TRACE_FILE=trace.json TRACE_RATE=1 node examples/inference-server/server.mjs
import * as ort from 'onnxruntime-node'
import { instrument } from 'opscope/integrations/onnxruntime'
import { servingTracer } from 'opscope/serving'

import { startGrpc } from './grpc-front.mjs'
import { startHttp } from './http-front.mjs'
import { readOptions } from './options.mjs'
import { InferenceService } from './service.mjs'

instrument(ort) // a recording then shows the operators of each run
const options = readOptions()
const tracer = servingTracer(options.trace)
const service = await InferenceService.start(tracer, options)
const http = await startHttp(service, tracer, options)
const grpc = await startGrpc(service, tracer, options)
console.log(`HTTP on port ${http.port}, gRPC on port ${grpc.port}`)

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop)

/** Takes no more requests, answers those that it has, and completes the trace file. */
async function stop() {
  await Promise.all([http.stop(), grpc.stop()])
  await service.stop()
  await tracer.close()
  console.log(`${tracer.counts.traced} requests traced`)
}
