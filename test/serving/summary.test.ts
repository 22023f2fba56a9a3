import { describe, expect, it } from 'vitest'

import { type RequestTrace, requestTraceText, summarizeTraces } from '../../src/serving/summary/index.js'
import {
  core,
  ENSEMBLE_TRACES,
  GRPC_TRACES,
  MIXED_TRACES,
  type SampleTrace,
  v1File,
  v2File,
} from '../fixtures/request-traces.js'
import { groupOf, meansOf, summaryOf, traceFile } from './summary-of.js'

/** An HTTP request that took 12 µs, of them 8 handled. */
const HTTP_STAMPS = {
  HTTP_RECV_START: 1000,
  HTTP_RECV_END: 2000,
  REQUEST_START: 3000,
  REQUEST_END: 11_000,
  HTTP_SEND_START: 12_000,
  HTTP_SEND_END: 13_000,
}
const http = (id: number, more: Partial<SampleTrace> = {}): SampleTrace => ({
  id,
  model: 'm',
  version: 1,
  stamps: HTTP_STAMPS,
  ...more,
})

describe('summarizeTraces', () => {
  it('gives each line its own mean and percentiles', async () => {
    const group = groupOf(await summaryOf(v2File(GRPC_TRACES)), 'resnet50', 'GRPC')
    expect(meansOf(group)).toEqual({
      request: 465,
      wait_read: 14_999.5,
      send: 57,
      front_end_overhead: 7.4995,
      handler: 400.5005,
      handler_overhead: 46.5005,
      respond: 4,
      queue: 31,
      compute: 323,
      compute_input: 25.25,
      infer: 285,
      compute_output: 12.75,
    })
    const queue = group.lines.find(({ name }) => name === 'queue')
    expect(queue).toEqual({
      name: 'queue',
      label: 'Queue',
      depth: 2,
      count: 2,
      meanNs: 31_000,
      p50Ns: 31_000,
      p90Ns: 44_600,
      p99Ns: 47_660,
      maxNs: 48_000,
      relativeError: 0,
    })
  })
  it('adds the parts of an HTTP request up to the whole', async () => {
    const { lines } = groupOf(await summaryOf(v2File(MIXED_TRACES)), 'pre', 'HTTP')
    const ns = (name: string) => lines.find(line => line.name === name)!.meanNs
    expect(ns('recv') + ns('send') + ns('front_end_overhead') + ns('handler')).toBe(ns('request'))
    expect(ns('queue') + ns('compute') + ns('handler_overhead')).toBe(ns('handler'))
    expect(ns('compute_input') + ns('infer') + ns('compute_output')).toBe(ns('compute'))
  })
  it('keeps what came from a client apart from what an ensemble called, and counts what did not finish', async () => {
    const summary = await summaryOf(v2File(MIXED_TRACES))
    expect([summary.traces, summary.complete]).toEqual([7, 6])
    const ens = groupOf(summary, 'ens', 'HTTP')
    expect([ens.traces, ens.complete, ens.incomplete]).toEqual([2, 1, [{ reason: 'REQUEST_END', count: 1 }]])
    expect(meansOf(ens)).toEqual({ request: 957.5, recv: 21, send: 7.5, front_end_overhead: 53, handler: 876 })
    expect(meansOf(groupOf(summary, 'pre', 'HTTP'))).toEqual({
      request: 156,
      recv: 10,
      send: 6,
      front_end_overhead: 16,
      handler: 124,
      handler_overhead: 5,
      respond: 2,
      queue: 9,
      compute: 110,
      compute_input: 5,
      infer: 100,
      compute_output: 5,
    })
    expect(meansOf(groupOf(summary, 'pre', 'CHILD'))).toEqual({
      handler: 73,
      handler_overhead: [8, 1],
      queue: [18, 1],
      compute: [110, 1],
      compute_input: [5, 1],
      infer: [100, 1],
      compute_output: [5, 1],
    })
  })
  it('tells how much of an ensemble is its own, whatever the order of the traces', async () => {
    for (const traces of [ENSEMBLE_TRACES, ENSEMBLE_TRACES.toReversed()]) {
      const { ensembles } = await summaryOf(v2File(traces))
      const facts = (each: (typeof ensembles)[number]): unknown => [
        each.model,
        each.handler?.meanNs,
        each.self?.meanNs,
        ...each.children.map(facts).sort(),
      ]
      expect(ensembles.map(facts)).toEqual([
        ['ens', 876_000, 38_000, ['cls', 702_000, 198_000, ['embed', 504_000, 504_000]], ['pre', 136_000, 136_000]],
      ])
    }
  })
  it('takes the time once in which several steps of an ensemble run', async () => {
    const step = (id: number, from: number, to: number): SampleTrace => ({
      id,
      model: `s${id}`,
      version: 1,
      parent: 1,
      stamps: { REQUEST_START: from, REQUEST_END: to },
    })
    const steps = [step(2, 4000, 8000), step(3, 5000, 7000), step(4, 6000, 9000), step(5, 10_000, 99_000)]
    const { ensembles } = await summaryOf(v2File([http(1), ...steps]))
    // 8 µs from 3 on; 4 to 9 and 10 to 11 are the steps'.
    expect(ensembles[0]?.self?.meanNs).toBe(2000)
  })

  it('has requests of the process itself, too', async () => {
    const local = { id: 1, model: 'm', version: 1, stamps: core(10, 20, 30, 40, 50, 60, 70) }
    const group = groupOf(await summaryOf(v2File([local])), 'm', 'LOCAL')
    expect(meansOf(group)).toMatchObject({ handler: 0.06, handler_overhead: 0.02, queue: 0.01, compute: 0.03 })
  })
  it.each([
    ['REQUEST_END', 'REQUEST_END'],
    ['REQUEST_START', 'REQUEST_START'],
    ['HTTP_SEND_END', 'HTTP_SEND_END'],
    ['HTTP_RECV_END', 'HTTP_RECV_END'],
  ])('leaves a trace without %s out of all lines', async (stamp, reason) => {
    const stamps = Object.fromEntries(Object.entries(HTTP_STAMPS).filter(([name]) => name !== stamp))
    const group = groupOf(await summaryOf(v2File([http(1), http(2, { stamps })])), 'm', 'HTTP')
    expect(group).toMatchObject({ traces: 2, complete: 1, incomplete: [{ reason, count: 1 }] })
    expect(meansOf(group)).toEqual({ request: 12, recv: 1, send: 1, front_end_overhead: 2, handler: 8 })
  })
  it('does not spread the queue of some over those that were answered from a cache', async () => {
    const computed = core(3000, 4000, 7000, 8000, 11_000, 12_000, 13_000)
    const traces = [
      http(1, { stamps: { ...HTTP_STAMPS, ...computed, HTTP_SEND_START: 14_000, HTTP_SEND_END: 15_000 } }),
      http(2),
    ]
    const group = groupOf(await summaryOf(v2File(traces)), 'm', 'HTTP')
    expect(meansOf(group)).toMatchObject({ queue: [3, 1], compute: [5, 1], handler_overhead: [2, 1], handler: 9 })
  })
  it('counts traces whose model is not told', async () => {
    const summary = await summaryOf(v2File([http(1), { id: 2, stamps: HTTP_STAMPS }]))
    expect([summary.traces, summary.complete, summary.incomplete]).toEqual([2, 1, [{ reason: 'model', count: 1 }]])
  })
  it('takes zero for no stamp, and an end before its start for no interval', async () => {
    const stamps = { ...HTTP_STAMPS, QUEUE_START: 9000, COMPUTE_START: 5000, COMPUTE_END: 7000 }
    const traces = [http(1, { stamps }), http(2, { stamps: { ...HTTP_STAMPS, HTTP_SEND_START: 0 } })]
    const summary = await summaryOf(v2File(traces, 0n))
    const group = groupOf(summary, 'm', 'HTTP')
    expect(group.incomplete).toEqual([{ reason: 'HTTP_SEND_START', count: 1 }])
    expect(meansOf(group)).toEqual({ request: 12, recv: 1, send: 1, front_end_overhead: 2, handler: 8, compute: 2 })
    expect(summary.warnings.map(({ code, count }) => [code, count])).toEqual([['stamps-reversed', 2]])
  })
  it('counts a request that ends before it starts as incomplete', async () => {
    const stamps = { ...HTTP_STAMPS, REQUEST_END: 2500 }
    const group = groupOf(await summaryOf(v2File([http(1, { stamps })])), 'm', 'HTTP')
    expect(group).toMatchObject({ complete: 0, incomplete: [{ reason: 'reversed', count: 1 }], lines: [] })
  })
  it.each([{ HTTP_SEND_START: 14_000 }, { HTTP_RECV_END: 500 }, { HTTP_SEND_END: 900 }])(
    'counts a request as incomplete whose front end ends before it starts, as with %j',
    async stamps => {
      const group = groupOf(await summaryOf(v2File([http(1, { stamps: { ...HTTP_STAMPS, ...stamps } })])), 'm', 'HTTP')
      expect(group).toMatchObject({ complete: 0, incomplete: [{ reason: 'reversed', count: 1 }] })
    },
  )
  it('shows an overhead below zero where a request was released after its answer was sent', async () => {
    const stamps = { ...HTTP_STAMPS, REQUEST_END: 14_000 }
    const group = groupOf(await summaryOf(v2File([http(1, { stamps })])), 'm', 'HTTP')
    expect(meansOf(group).front_end_overhead).toBe(-1)
  })
  it('takes the last of two stamps with one name', async () => {
    const again = '{"id":1,"timestamps":[{"name":"HTTP_SEND_END","ns":20000}]}'
    const group = groupOf(await summaryOf(`${v2File([http(1)], 0n).slice(0, -1)},${again}]`), 'm', 'HTTP')
    expect(meansOf(group).request).toBe(19)
  })
  it('keeps ns beyond 2^53 exact', async () => {
    const stamps = { REQUEST_START: 17_125_842_648_608_115n, REQUEST_END: 17_125_844_332_704_508n }
    const summary = await summaryOf(v2File([{ id: 1, model: 'm', version: 1, stamps }], 0n))
    expect(groupOf(summary, 'm', 'LOCAL').lines[0]?.maxNs).toBe(1_684_096_393)
  })
  it('shows children of requests that are not in the file, and counts them', async () => {
    const summary = await summaryOf(v2File(ENSEMBLE_TRACES.slice(1)))
    expect(summary.warnings.map(({ code, count }) => [code, count])).toEqual([['parents-missing', 2]])
    expect(summary.ensembles.map(({ model, children }) => [model, children.map(child => child.model)])).toEqual([
      ['', ['pre', 'cls']],
    ])
  })
  it.each<[string, SampleTrace[]]>([
    ['itself', [http(1, { parent: 1 })]],
    ['its own child', [http(1, { parent: 2 }), http(2, { parent: 1 })]],
  ])('survives a request that was made by %s', async (_, traces) => {
    expect((await summaryOf(v2File(traces))).traces).toBe(traces.length)
  })
  it.each([0, -1])('takes parent_id %d for none', async parent => {
    expect(groupOf(await summaryOf(v2File([http(1, { parent })])), 'm', 'HTTP').complete).toBe(1)
  })

  it('reads v1, with its ids from 0 and without any', async () => {
    const stamps = { 'request handler start': 10, 'request handler end': 50 }
    const withIds = [
      { id: 0, model: 'ens', version: -1, stamps },
      {
        id: 1,
        model: 'step',
        version: -1,
        parent: 0,
        stamps: { 'request handler start': 20, 'request handler end': 30 },
      },
    ]
    const summary = await summaryOf(v1File(withIds))
    expect(summary.ensembles[0]).toMatchObject({ model: 'ens', version: '-1', self: { meanNs: 30 } })
    const withoutIds = [
      { model: 'm', version: -1, stamps },
      { model: 'm', version: -1, stamps },
    ]
    expect(groupOf(await summaryOf(v1File(withoutIds)), 'm', 'LOCAL').complete).toBe(2)
  })
  it('shows the tensors of one request with those of its steps', async () => {
    const tensor = (id: number, activity: string, data: string) =>
      JSON.stringify({ id, activity, tensor: { name: 'x', data, shape: '1,3', dtype: 'FP32' } })
    const file = v2File(ENSEMBLE_TRACES).slice(0, -1)
    const summary = await summaryOf(
      `${file},${tensor(1, 'TENSOR_QUEUE_INPUT', '1,2,3')},${tensor(4, 'TENSOR_BACKEND_OUTPUT', '0.5,1,2')}]`,
    )
    expect(summary.dataFlow).toMatchObject({
      id: '1',
      model: 'ens',
      tensors: [{ activity: 'TENSOR_QUEUE_INPUT', name: 'x', data: '1,2,3', shape: '1,3', dtype: 'FP32' }],
      children: [{ model: 'pre' }, { model: 'cls', children: [{ model: 'embed', tensors: [{ data: '0.5,1,2' }] }] }],
    })
    expect(String(summary)).toMatch(/Data flow of trace 1\n {2}ens \(1\)\n +QUEUE_INPUT x {2}FP32\[1,3\] 1 2 3\n/)
  })

  it('is text of at most 80 columns, or as many as asked for', async () => {
    const traces = MIXED_TRACES.map(trace => ({ ...trace, model: `${trace.model}_${'long'.repeat(30)}` }))
    const summary = await summaryOf(
      v2File([...traces, ...GRPC_TRACES.map(trace => ({ ...trace, id: trace.id! + 100 }))]),
    )
    for (const columns of [60, 80, 120]) {
      expect(
        Math.max(
          ...summary
            .text(columns)
            .split('\n')
            .map(line => line.length),
        ),
      ).toBeLessThanOrEqual(columns)
    }
  })
  it('is its data as JSON', async () => {
    const summary = await summaryOf(v2File(GRPC_TRACES))
    expect(JSON.parse(JSON.stringify(summary))).toMatchObject({ traces: 2, complete: 2, fragments: 26, warnings: [] })
  })
})

describe('what is wanted of a file', () => {
  const file = () => traceFile(v2File(MIXED_TRACES))
  const models = async (options: object) =>
    (await summarizeTraces(file(), options)).models.map(({ model, role, traces }) => `${model} ${role} ${traces}`)

  it('is a model', async () => {
    expect(await models({ model: 'pre' })).toEqual(['pre CHILD 2', 'pre HTTP 1'])
    expect(await models({ model: 'cls:2' })).toEqual(['cls CHILD 1'])
    expect(await models({ model: 'cls:1' })).toEqual([])
  })
  it('is a time since the first request, for a request with all it led to', async () => {
    expect(await models({ since: '500us', until: '1.5ms' })).toEqual(['pre HTTP 1'])
    expect(await models({ since: '2ms' })).toEqual(['ens HTTP 1', 'pre CHILD 1'])
  })
  it('does not take a wait for the beginning of a request', async () => {
    const path = traceFile(v2File(GRPC_TRACES))
    expect((await summarizeTraces(path, { since: '9ms' })).traces).toBe(1)
    expect((await summarizeTraces(path, { since: '11ms' })).traces).toBe(0)
  })
  it('is a time on the clock of the file', async () => {
    expect(await models({ since: 5_000_001_000_000n, until: '5000002000000' })).toEqual(['pre HTTP 1'])
  })
  it.each([
    { since: 'soon' },
    { until: '5 days' },
    { since: 3 },
    { model: '' },
    { modle: 'm' },
    { chrome: '/no/such/x.json' },
  ])('is refused at once as %j', async options => {
    await expect(summarizeTraces(file(), options as object)).rejects.toThrow(/Expected the|Unknown option|Cannot write/)
  })
})

describe('onTrace', () => {
  it('gets each request with its stamps by time, and is waited for', async () => {
    const traces: RequestTrace[] = []
    let isBusy = false
    await summarizeTraces(traceFile(v2File(GRPC_TRACES)), {
      onTrace: async trace => {
        expect(isBusy).toBe(false)
        isBusy = true
        await Promise.resolve()
        isBusy = false
        traces.push(trace)
      },
    })
    expect(traces.map(({ id, requestId, role }) => [id, requestId, role])).toEqual([
      [1n, 'a1', 'GRPC'],
      [2n, 'a2', 'GRPC'],
    ])
    expect(requestTraceText(traces[1]!)).toBe(`resnet50 (3) · GRPC · id 2 · request a2
  GRPC_WAITREAD_START
  GRPC_WAITREAD_END        +10 ms
  REQUEST_START            +30 µs
  QUEUE_START              +6 µs
  COMPUTE_START            +14 µs
  COMPUTE_INPUT_END        +20 µs
  COMPUTE_OUTPUT_START     +280 µs
  COMPUTE_END              +12 µs
  INFER_RESPONSE_COMPLETE  +2 µs
  GRPC_SEND_START          +2 µs
  GRPC_SEND_END            +44 µs
  REQUEST_END              +15 µs`)
  })
  it('gets names of the user’s own among the stamps', async () => {
    const names: string[] = []
    const stamps = { TOKENIZE_START: 5, ...core(10, 20, 30, 40, 50, 60, 70), 'DÉCODE "x"\n': 80 }
    await summarizeTraces(traceFile(v2File([{ id: 1, model: 'm', version: 1, stamps }])), {
      onTrace: trace => void names.push(...trace.stamps.map(({ name }) => name)),
    })
    expect([names[0], names.at(-1), names.length]).toEqual(['TOKENIZE_START', 'DÉCODE "x"\n', 9])
  })
})
