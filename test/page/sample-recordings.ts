// What timelines are looked at and measured with.
import type { PageRecording } from '../../src/page/recording.js'
import { buildRecording, type LaunchSpec, randomNumbers, type SpanSpec } from './recording-builder.js'

const US = 1e3
const MS = 1e6

/** A server that answers requests with a model on a GPU: 2 threads, 2 streams, requests that overlap, counters. */
export function servedRequests(requestCount: number): PageRecording {
  const random = randomNumbers(7)
  const main: SpanSpec[] = []
  const loose: SpanSpec[] = []
  const rss: [number, number][] = []
  const queued: [number, number][] = []
  const marks: { name: string; at: number }[] = []
  let at = 2 * MS
  const gpuFree = [0, 0]
  for (let request = 0; request < requestCount; request++) {
    const begin = Math.round(at)
    const predict: SpanSpec = { name: 'predict', category: 'section', start: begin, end: 0, children: [] }
    let now = begin + 20 * US
    const child = (name: string, us: number, children: SpanSpec[] = [], launches: LaunchSpec[] = []) => {
      const start = now
      now = Math.round(now + us * US * (0.8 + 0.4 * random()))
      const span: SpanSpec = { name, category: 'cpu_op', start, end: now, children, launches }
      now += Math.round(6 * US * random())
      return span
    }
    predict.children!.push(child('tokenize', 140))
    const stream = request % 2
    let lastWork = 0
    for (let layer = 0; layer < 6; layer++) {
      const start = now
      const ops: SpanSpec[] = []
      for (const name of ['layer_norm', 'matmul', 'softmax', 'matmul', 'gelu']) {
        const opStart = now
        const call = { name: 'cudaLaunchKernel', start: now + 3 * US, end: now + 9 * US }
        const begins = Math.max(gpuFree[stream]!, call.end + 4 * US)
        const takes = Math.round((name === 'matmul' ? 60 : 18) * US * (0.7 + 0.6 * random()))
        gpuFree[stream] = begins + takes + 800
        lastWork = begins + takes
        const kernel =
          name === 'matmul'
            ? 'ampere_sgemm_128x64_tn'
            : `void at::native::vectorized_elementwise_kernel<4, ${name}_functor<float>>(int, ${name})`
        const work = [{ name: kernel, start: begins, end: begins + takes, stream: 7 + stream }]
        ops.push({ ...child(name, 16, [], [{ ...call, work }]), start: opStart })
      }
      predict.children!.push({ name: `layer ${layer}`, category: 'cpu_op', start, end: now, children: ops })
      now += 8 * US
    }
    const copyCall = { name: 'cudaMemcpyAsync', start: now + US, end: now + 7 * US }
    const copyStart = Math.max(lastWork + 900, copyCall.end)
    const copied = {
      name: 'Memcpy DtoH',
      start: copyStart,
      end: copyStart + 45 * US,
      kind: 1,
      bytes: 409_600,
      stream: 7 + stream,
    }
    const waitCall = { name: 'cudaStreamSynchronize', start: now + 9 * US, end: copied.end + 5 * US }
    const waited = {
      name: 'Stream Sync',
      start: waitCall.start + US,
      end: copied.end + 4 * US,
      kind: 3,
      stream: 7 + stream,
    }
    gpuFree[stream] = copied.end
    predict.children!.push({
      name: 'read logits',
      category: 'runtime_api',
      start: now,
      end: waitCall.end + 2 * US,
      launches: [
        { ...copyCall, work: [copied] },
        { ...waitCall, work: [waited] },
      ],
    })
    now = waitCall.end + 4 * US
    predict.children!.push(child('detokenize', 90))
    predict.end = now
    main.push(predict)
    const failed = request % 11 === 7
    const unfinished = request === requestCount - 1
    const arrived = Math.max(0, Math.round(begin - (0.4 + 2.2 * random()) * MS))
    loose.push({
      name: 'POST /v2/models/bert/infer',
      category: 'request',
      start: arrived,
      end: now + Math.round(300 * US * random()),
      returnsAt: arrived,
      failed,
      unfinished,
      attributes: { 'http.route': '/v2/models/bert/infer', batch: String(1 + (request % 4)) },
      children: [
        { name: 'queue', category: 'request', start: arrived + 30 * US, end: begin, returnsAt: arrived + 30 * US },
        { name: 'compute', category: 'request', start: begin, end: now, returnsAt: begin },
      ],
    })
    if (request % 4 === 3) {
      const gc = now + 12 * US
      main.push({ name: 'scavenge', category: 'gc', start: gc, end: gc + 310 * US, isTimed: true })
      now = gc + 330 * US
    }
    rss.push([now, 212_000_000 + 3_000_000 * Math.floor(request / 2) + 900_000 * Math.floor(random() * 9)])
    queued.push([begin, Math.floor(6 * random())])
    if (request % 9 === 0) marks.push({ name: `checkpoint ${request / 9}`, at: now })
    at = now + (request % 7 === 6 ? 2.6 * MS : 0.25 * MS * random())
  }
  loose.sort((a, b) => a.start - b.start)
  const worker: SpanSpec[] = []
  for (let start = 1 * MS; start < at; start += Math.round(1.4 * MS)) {
    const end = start + Math.round((0.5 + 0.5 * random()) * MS)
    worker.push({
      name: 'decode image',
      start,
      end,
      children: [
        { name: 'jpeg', start: start + 20 * US, end: start + 300 * US },
        { name: 'resize', start: start + 310 * US, end: end - 20 * US },
      ],
    })
  }
  const durationNs = Math.round(at + 2 * MS)
  return buildRecording({
    durationNs,
    processes: [{ name: 'server.mjs', host: 'gpu-1', id: 4242 }],
    threads: [
      {
        name: 'main',
        // An async span's synchronous part is over at once here: it is on lanes only.
        spans: [...main, ...loose].sort((a, b) => a.start - b.start),
        counters: [
          { name: 'rss', values: rss },
          { name: 'queued', values: queued },
        ],
        marks,
      },
      { jsThreadId: 1, spans: worker },
    ],
    pauses: [{ startNs: durationNs * 0.42, endNs: durationNs * 0.46, process: 0 }],
  })
}

/** About `count` events, most of them nested spans of 8 threads, a quarter GPU work with its launches. */
export function manyEvents(count: number): PageRecording {
  const random = randomNumbers(11)
  const threadCount = 8
  const gpuCount = Math.floor(count / 8)
  const perThread = Math.floor((count - 2 * gpuCount) / threadCount)
  const spanCount = perThread * threadCount
  const startNs = new Float64Array(spanCount)
  const durationNs = new Float64Array(spanCount)
  const name = new Uint32Array(spanCount)
  const parent = new Int32Array(spanCount)
  const launchStart = new Float64Array(gpuCount)
  const launchThread = new Uint32Array(gpuCount)
  const launchSpan = new Int32Array(gpuCount)
  const perThreadLaunches = Math.floor(gpuCount / threadCount)
  const names = Array.from({ length: 40 }, (_, i) => ({
    text: ['request', 'layer', 'matmul', 'compute'][i % 4]! + (i < 4 ? '' : ` ${i}`),
    instance: '',
    category: i % 4 === 0 ? 1 : 3,
    role: 0,
  }))
  let endNs = 0
  for (let thread = 0; thread < threadCount; thread++) {
    // Trees of 1 + 4 + 16 spans, 3 deep; what is left over is flat.
    let row = thread * perThread
    const end = row + perThread
    let now = 0
    let launch = thread * perThreadLaunches
    const launchEnd = launch + perThreadLaunches
    const open = (parentRow: number, level: number) => {
      const own = row++
      startNs[own] = now
      parent[own] = parentRow
      name[own] = level + 4 * Math.floor(random() * 10)
      now += 200
      if (level < 2) {
        for (let i = 0; i < 4 && row < end; i++) open(own, level + 1)
      } else {
        if (launch < launchEnd && random() < 0.45) {
          launchStart[launch] = now
          launchThread[launch] = thread
          launchSpan[launch++] = own
        }
        now += Math.round(2000 * random() ** 3) + 300
      }
      durationNs[own] = now - startNs[own]!
      now += Math.round(random() < 0.02 ? 40_000 * random() : 300 * random())
    }
    while (row < end) open(-1, 0)
    for (; launch < launchEnd; launch++) launchStart[launch] = now
    endNs = Math.max(endNs, now)
  }
  const gpuLaunch = Int32Array.from({ length: gpuCount }, (_, i) => i).sort((a, b) => launchStart[a]! - launchStart[b]!)
  const gpuStart = Float64Array.from({ length: gpuCount }, (_, i) => (i / gpuCount) * endNs)
  return {
    durationNs: endNs + 1000,
    names,
    processes: [{ name: 'many.mjs', host: '', id: 1 }],
    threads: Array.from({ length: threadCount }, (_, i) => ({
      name: i === 0 ? 'main' : `worker ${i}`,
      osThreadId: i,
      jsThreadId: i,
      firstRow: i * perThread,
      rowCount: perThread,
      process: 0,
    })),
    strings: ['cudaLaunchKernel', 'gemm', 'softmax', 'relu'],
    pauses: [],
    spans: { startNs, durationNs, name, parent, flags: new Uint8Array(spanCount) },
    returns: { row: new Uint32Array(0), atNs: new Float64Array(0) },
    launches: {
      startNs: launchStart,
      durationNs: new Float64Array(gpuCount).fill(150),
      name: new Uint32Array(gpuCount),
      thread: launchThread,
      span: launchSpan,
    },
    gpu: {
      startNs: gpuStart,
      durationNs: gpuStart.map((_, i) => Math.min(1, 0.3 + random()) * ((2 * endNs) / gpuCount - 2) + (i & 0)),
      kind: new Uint8Array(gpuCount),
      name: Uint32Array.from({ length: gpuCount }, () => 1 + Math.floor(3 * random())),
      device: new Uint32Array(gpuCount),
      context: new Uint32Array(gpuCount).fill(1),
      stream: Uint32Array.from({ length: gpuCount }, (_, i) => 7 + (i % 2)),
      bytes: new Float64Array(gpuCount),
      from: new Uint8Array(gpuCount),
      to: new Uint8Array(gpuCount),
      launch: gpuLaunch,
      span: gpuLaunch.map(launch => launchSpan[launch]!),
    },
    counters: {
      thread: new Uint32Array(0),
      name: new Uint32Array(0),
      atNs: new Float64Array(0),
      value: new Float64Array(0),
    },
    marks: {
      thread: new Uint32Array(0),
      name: new Uint32Array(0),
      atNs: new Float64Array(0),
      span: new Int32Array(0),
    },
    attributes: { row: new Uint32Array(0), key: new Uint32Array(0), value: new Uint32Array(0) },
  }
}
