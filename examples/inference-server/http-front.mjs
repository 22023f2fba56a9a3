import fastify from 'fastify'
import { prometheusMetrics, traceSettingsHandler } from 'opscope/serving'

import { badRequest } from './errors.mjs'
import { MODEL } from './model.mjs'
import { OUTPUT } from './service.mjs'

const INFER_PATH = /^\/v2\/models\/([^/]+)\/infer$/

/** KServe's protocol over HTTP: `POST /v2/models/demo/infer`. */
export async function startHttp(service, tracer, { host, httpPort, hasMetrics }) {
  const app = fastify()
  const settings = traceSettingsHandler(tracer.settings)
  app.addHook('onRequest', (request, reply, done) => settings(request.raw, reply.raw, done))
  await app.register(
    tracer.fastify({
      filter: ({ url }) => INFER_PATH.test(url),
      model: ({ url }) => INFER_PATH.exec(url)?.[1],
    }),
  )
  app.get('/v2/health/ready', async () => ({ ready: true }))
  if (hasMetrics) {
    const { register } = prometheusMetrics(tracer)
    app.get('/metrics', async (_, reply) => reply.type(register.contentType).send(await register.metrics()))
  }
  app.post('/v2/models/:name/infer', async ({ params, body }, reply) => {
    const { id, data } = readBody(body)
    const probabilities = await service.infer({ model: params.name, id, image: data, signal: goneSignal(reply.raw) })
    const outputs = [{ ...OUTPUT, data: Array.from(probabilities) }]
    return { model_name: params.name, model_version: String(MODEL.version), id, outputs }
  })
  app.setErrorHandler((error, _, reply) => {
    reply.code(error.httpStatus ?? error.statusCode ?? 500).send({ error: error.message })
  })
  await app.listen({ host, port: httpPort })
  return { port: app.server.address().port, stop: () => app.close() }
}

function readBody(body) {
  const [input] = Array.isArray(body?.inputs) ? body.inputs : []
  if (input?.datatype !== 'UINT8' || !Array.isArray(input.data)) {
    throw badRequest('Expected one input "image" of datatype UINT8.')
  }
  return { id: String(body.id ?? ''), data: input.data }
}

function goneSignal(response) {
  const controller = new AbortController()
  response.once('close', () => controller.abort())
  return controller.signal
}
