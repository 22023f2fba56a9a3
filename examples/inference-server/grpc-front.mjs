import { fileURLToPath } from 'node:url'
import grpc from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { addTraceSettingService } from 'opscope/serving'

import { MODEL } from './model.mjs'
import { OUTPUT } from './service.mjs'

const PROTO = fileURLToPath(new URL('inference.proto', import.meta.url))
const { inference } = grpc.loadPackageDefinition(loadSync(PROTO, { keepCase: true, longs: Number }))

export const { GRPCInferenceService } = inference

/** The same over gRPC: `ModelInfer`, and `ModelStreamInfer` for many images in one call. */
export async function startGrpc(service, tracer, { host, grpcPort }) {
  const interceptor = tracer.grpc({ filter: ({ path }) => path.endsWith('Infer') })
  const server = new grpc.Server({ interceptors: [interceptor] })
  server.addService(GRPCInferenceService.service, {
    ServerReady: (_, done) => done(null, { ready: true }),
    ModelInfer(call, done) {
      infer(service, call.request, goneSignal(call)).then(
        response => done(null, response),
        error => done({ code: error.grpcCode ?? grpc.status.INTERNAL, details: error.message }),
      )
    },
    ModelStreamInfer(call) {
      const signal = goneSignal(call)
      const answers = []
      call.on('data', request => {
        const answer = infer(service, request, signal).then(
          infer_response => ({ infer_response }),
          ({ message }) => ({ error_message: message }),
        )
        answers.push(answer.then(each => call.write(each)))
      })
      call.on('end', () => Promise.all(answers).then(() => call.end()))
    },
  })
  addTraceSettingService(server, tracer.settings)
  const credentials = grpc.ServerCredentials.createInsecure()
  const port = await new Promise((resolve, reject) =>
    server.bindAsync(`${host}:${grpcPort}`, credentials, (error, bound) => (error ? reject(error) : resolve(bound))),
  )
  return { port, stop: () => new Promise(resolve => server.tryShutdown(resolve)) }
}

async function infer(service, { model_name, id, raw_input_contents }, signal) {
  const probabilities = await service.infer({ model: model_name, id, image: raw_input_contents[0], signal })
  const { buffer, byteOffset, byteLength } = probabilities
  return {
    model_name,
    model_version: String(MODEL.version),
    id,
    outputs: [OUTPUT],
    raw_output_contents: [Buffer.from(buffer, byteOffset, byteLength)],
  }
}

function goneSignal(call) {
  const controller = new AbortController()
  call.once('cancelled', () => controller.abort())
  return controller.signal
}
