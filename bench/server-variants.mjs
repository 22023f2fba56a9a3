// The server that server.bench.mjs loads, one process for each way to trace it (argv). A request is twenty steps of
// some ten microseconds, with one await in between.
import { createServer } from 'node:http'
import { op, profiler, record } from 'opscope'

const STEPS = 20
const names = Array.from({ length: STEPS }, (_, step) => `step${step}`)

function work(step) {
  let sum = step
  for (let i = 0; i < 4000; i++) sum = (sum * 31 + i) | 0
  return sum
}

/** Each makes a function that runs a request's body, and one that runs a step. */
const VARIANTS = {
  async nothing() {
    return { request: body => body(), step: work }
  },
  // The recorder's calls are in place and it may be switched on.
  async armed() {
    profiler.startProfiler({ print: false, startPaused: true })
    return opscopeVariant()
  },
  async recorded() {
    profiler.startProfiler({ print: false, bufferMB: 1024 })
    return opscopeVariant()
  },
  async performanceMeasure() {
    const measured = (name, body) => {
      performance.mark(`${name} start`)
      const result = body()
      performance.mark(`${name} end`)
      performance.measure(name, `${name} start`, `${name} end`)
      return result
    }
    let requests = 0
    const request = async body => {
      const result = await measured('request', body)
      if (++requests % 100 === 0) {
        performance.clearMarks()
        performance.clearMeasures()
      }
      return result
    }
    return { request, step: step => measured(names[step], () => work(step)) }
  },
  // With a sink that drops the spans: a real exporter adds its encoding and sending to that.
  async openTelemetry() {
    const { BasicTracerProvider, BatchSpanProcessor } = await import('@opentelemetry/sdk-trace-base')
    const sink = { export: (_spans, done) => done({ code: 0 }), shutdown: async () => {} }
    const processor = new BatchSpanProcessor(sink, { maxQueueSize: 1e5 })
    const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('bench')
    const traced = (name, body) => {
      const span = tracer.startSpan(name)
      const result = body()
      span.end()
      return result
    }
    return { request: body => traced('request', body), step: step => traced(names[step], () => work(step)) }
  },
}

function opscopeVariant() {
  const ops = names.map(name => op(name))
  const step = index => {
    ops[index].begin()
    try {
      return work(index)
    } finally {
      ops[index].end()
    }
  }
  return { request: body => record('request', body), step }
}

const { request, step } = await VARIANTS[process.argv[2]]()
const handle = async () => {
  let sum = 0
  for (let i = 0; i < STEPS / 2; i++) sum += step(i)
  await null
  for (let i = STEPS / 2; i < STEPS; i++) sum += step(i)
  return sum
}
const server = createServer(async (_incoming, response) => {
  const sum = await request(handle)
  response.end(String(sum))
})
server.listen(0, '127.0.0.1', () => process.send(server.address().port))
process.on('disconnect', () => process.exit())
