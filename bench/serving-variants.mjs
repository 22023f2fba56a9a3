// The servers that serving.bench.mjs loads, one process for each: which one, and how it is traced, stand in argv.
//   steps    node:http; a request is twenty steps of some six microseconds, in three stages with awaits in between
//   example  examples/inference-server: fastify, JSON images, a queue that batches, a network on onnxruntime-node
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { crc32 } from 'node:zlib'
import { op, profiler } from 'opscope'
import { servingTracer, TraceSettings } from 'opscope/serving'

const [, , kind, variant, file] = process.argv

/** Each gives the tracer; undefined: opscope has no part in the server. */
const VARIANTS = {
  nothing: () => undefined,
  off: () => servingTracer({ file, level: 'OFF' }),
  rate1000: () => servingTracer({ file, rate: 1000 }),
  rate1: () => servingTracer({ file, rate: 1 }),
  recorded() {
    profiler.startProfiler({ print: false, bufferMB: 1024 })
    return servingTracer({ file, rate: 1 })
  },
  async openTelemetry() {
    await startSdk()
    return servingTracer({ mode: 'opentelemetry', rate: 1 })
  },
  async openTelemetryHttp() {
    const { HttpInstrumentation } = await import('@opentelemetry/instrumentation-http')
    const instrumentation = new HttpInstrumentation()
    instrumentation.setTracerProvider(await startSdk())
    instrumentation.enable()
    // The instrumentation changes the module when it is required.
    createRequire(import.meta.url)('node:http')
    return undefined
  },
}

/** With a sink that drops the spans: a real exporter adds its encoding and sending to that. */
async function startSdk() {
  const { BatchSpanProcessor, NodeTracerProvider } = await import('@opentelemetry/sdk-trace-node')
  const sink = { export: (_, done) => done({ code: 0 }), shutdown: async () => {} }
  const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(sink, { maxQueueSize: 1e5 })] })
  provider.register()
  return provider
}

const STEPS = 20
// In native code: what is compiled here comes out differently with what is around it, by more than tracing costs. In few
// bytes: what a step evicts from the caches is paid by whatever comes next.
const bytes = Buffer.alloc(4096, 7)
function work(step) {
  let sum = step
  for (let part = 0; part < 6; part++) sum = crc32(bytes, sum)
  return sum
}

const KINDS = {
  async steps(tracer) {
    const ops = Array.from({ length: STEPS }, (_, index) => op(`step${index}`))
    const traced = index => {
      ops[index].begin()
      try {
        return work(index)
      } finally {
        ops[index].end()
      }
    }
    const step = tracer === undefined ? work : traced
    const some = (from, to) => {
      let sum = 0
      for (let index = from; index < to; index++) sum += step(index)
      return sum
    }
    const input = () => some(0, 5)
    const infer = async sum => {
      await null
      return sum + some(5, 15)
    }
    const output = sum => String(sum + some(15, STEPS))
    const answer =
      tracer === undefined
        ? async () => output(await infer(input()))
        : () => tracer.infer({ model: 'steps' }, { input, infer, output })
    const server = createServer(async (_, response) => response.end(await answer()))
    tracer?.http(server)
    await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
    return server.address().port
  },
  async example(tracer = untraced()) {
    // Loaded late: instrumentations come first.
    const { InferenceService } = await import('../examples/inference-server/service.mjs')
    const { startHttp } = await import('../examples/inference-server/http-front.mjs')
    const { readOptions } = await import('../examples/inference-server/options.mjs')
    const options = { ...readOptions({}), httpPort: 0 }
    return (await startHttp(await InferenceService.start(tracer, options), tracer, options)).port
  },
}

/** What the example asks of a tracer, done without one. */
function untraced() {
  const plugin = Object.assign((_app, _options, done) => done(), { [Symbol.for('skip-override')]: true })
  return {
    settings: new TraceSettings(),
    fastify: () => plugin,
    infer: (_, body) => body(undefined),
    batch: async (_, { input, infer, output }) => output(await infer(input())),
  }
}

const port = await KINDS[kind](await VARIANTS[variant]())
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send({ cpuUs: user + system })
})
process.on('disconnect', () => process.exit())
process.send({ port })
