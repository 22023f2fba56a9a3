// Captures that several tests print. The published ones are tables of PaddlePaddle profiles (1.8 and 2.0): calls and
// milliseconds as printed there. Totals, ratios and self times check each other, so a digit that is off shows.
import type { ReportSource } from '../../src/model/ops.js'
import { phase, type RowSpec, row, type SpanSpec, sourceFromRows, sourceFromSpans } from '../model/source-builder.js'

/** One thread, Default, All. The publication hides the compute rows; they are set so that their sum is its 38.1497. */
export function conditionalBlock(): ReportSource {
  return sourceFromRows(
    [
      {
        rows: [
          row('conditional_block', 400, 43.963987, 1.35401, [
            row('assign', 200, 7.738432, 0.274368, [
              phase('compute', 200, 6, 0.274368, [row('GpuMemcpyAsync(same_gpu):GPU->GPU', 200, 4.285085, 0.274368)]),
            ]),
            row('fill_constant', 200, 7.511009, 0.289056, [phase('compute', 200, 4.5, 0.289056)]),
            row('GpuMemcpyAsync:GPU->CPU', 400, 11.040198, 0.790586),
          ]),
          row('fill_constant', 300, 13.298308, 0.422559, [phase('compute', 300, 9, 0.422559)]),
          row('select_input', 200, 12.81017, 0.681598, [
            row('GpuMemcpyAsync(same_gpu):GPU->GPU', 200, 3.4482, 0.285407),
            row('GpuMemcpySync:GPU->CPU', 200, 6.296225, 0.396191),
          ]),
          row('less_than', 200, 7.05369, 0.272799, [phase('compute', 200, 5, 0.272799)]),
          row('fetch', 200, 6.766394, 0.395773, [row('GpuMemcpySync:GPU->CPU', 200, 5.323041, 0.395773)]),
          row('logical_not', 200, 6.772137, 0.274432, [phase('compute', 200, 5, 0.274432)]),
          row('cast', 200, 6.768117, 0.277375, [phase('compute', 200, 5, 0.277375)]),
          row('equal', 100, 3.192579, 0.138464, [phase('compute', 100, 1.700687, 0.138464)]),
        ],
      },
    ],
    { meta: { tracerOption: 'Default' }, durationMs: 120 },
  )
}

/** Two threads, Default, All: merged, then per thread. */
export function twoThreads(): ReportSource {
  return sourceFromRows([
    {
      rows: [
        row('FastThreadedSSAGraphExecutorPrepare', 1, 6.076904, 0.012608),
        row('GpuMemcpyAsync:CPU->GPU', 1, 0.70173, 0.001279),
        row('InitLocalVars', 1, 0.006395),
        row('ScopeBufferedMonitor::post_local_exec_scopes_process', 1, 0.005985),
        row('ScopeBufferedMonitor::pre_local_exec_scopes_process', 1, 0.003467),
      ],
    },
    {
      rows: [
        row('mul', 1, 0.219497, 0, [phase('compute', 1, 0.12)]),
        row('elementwise_add', 1, 0.108017, 0, [phase('compute', 1, 0.06)]),
        row('Fetch', 1, 0.102637, 0, [row('GpuMemcpyAsync:GPU->CPU', 1, 0.044581)]),
        row('mean', 1, 0.064722, 0, [phase('compute', 1, 0.045158)]),
        row('eager_deletion', 2, 0.006166),
      ],
    },
  ])
}

/** OpDetail: phases are shown. */
export function opDetail(): ReportSource {
  return sourceFromRows(
    [
      {
        rows: [
          row('fill_constant', 12, 9.577872, 0.017152, [
            phase('prepare_data', 12, 0.08),
            phase('infer_shape', 12, 0.037523),
            phase('compute', 12, 9.279253, 0.017152),
          ]),
          row('slice', 6, 1.382675, 0.020192, [
            phase('prepare_data', 6, 1.12787, 0.01152, [row('GpuMemcpySync:CPU->GPU', 6, 0.91181, 0.01152)]),
            phase('infer_shape', 6, 0.039823),
            phase('compute', 6, 0.177096, 0.008672),
          ]),
          row('crop_tensor', 6, 0.563035, 0.023648, [
            phase('infer_shape', 6, 0.043285),
            phase('compute', 6, 0.47804, 0.023648, [row('GpuMemcpySync:CPU->GPU', 6, 0.2223, 0.00855)]),
          ]),
        ],
      },
      {
        rows: [
          row('Fetch', 6, 0.328085, 0, [row('GpuMemcpyAsync:GPU->CPU', 6, 0.183378)]),
          row('FastThreadedSSAGraphExecutorPrepare', 1, 0.165158),
          row('shape', 6, 0.160389, 0, [
            phase('prepare_data', 6, 0.012944),
            phase('infer_shape', 6, 0.02),
            phase('compute', 6, 0.08775),
          ]),
          row('ScopeBufferedMonitor::post_local_exec_scopes_process', 6, 0.109541),
          row('eager_deletion', 12, 0.056515),
          row('ScopeBufferedMonitor::pre_local_exec_scopes_process', 6, 0.016096),
        ],
      },
    ],
    { meta: { tracerOption: 'OpDetail' } },
  )
}

/** AllOpDetail: one type with two instances. */
export function allOpDetail(): ReportSource {
  const instance = (variable: string, calls: number, cpu: number, gpu: number, compute: number): RowSpec => ({
    ...row('fill_constant', calls, cpu, gpu, [phase('compute', calls, compute, gpu)]),
    role: 'instance',
    instance: variable,
  })
  return sourceFromRows(
    [
      {
        rows: [
          {
            ...row('fill_constant', 12, 8.977549, 0.017439, [
              instance('tmp_0', 6, 4.527403, 0.008927, 4.4),
              instance('tmp_1', 6, 4.355344, 0.008512, 4.2),
            ]),
            min: 0.059922,
            max: 3.75175,
          },
          row('slice', 6, 3.219434, 0, [phase('compute', 6, 0.702887)]),
        ],
      },
    ],
    { meta: { tracerOption: 'AllOpDetail' } },
  )
}

/** The head of a long table: XLNet training. */
export function sliceGrad(): ReportSource {
  const compute = 32290.3251 - 17_000
  return sourceFromRows(
    [
      {
        rows: [
          row('slice_grad', 1900, 17_120.621051 - 469.040045, 469.040045, [
            phase('compute', 1900, 17_000 - 469.040045, 469.040045, [row('GpuMemcpyAsync:CPU->GPU', 1900, 621.182)]),
          ]),
          row('others', 1, 35_377.54 - 17_120.621051, 0, [
            phase('compute', 1, compute, 0, [row('GpuMemcpySync:CPU->GPU', 100, 6.06099)]),
          ]),
        ],
      },
    ],
    { meta: { tracerOption: 'OpDetail' } },
  )
}

/** What opscope is for: concurrent requests with queue and predict, ops on a GPU, an image worker, GC, loop figures. */
export function busyServer(): ReportSource {
  const main: SpanSpec[] = []
  const worker: SpanSpec[] = []
  const gpu: { kind: 'kernel' | 'copy'; start: number; end: number; bytes?: number; spanName?: string }[] = []
  const op = (name: string, start: number, end: number, gpuMs: number, children: SpanSpec[] = []): SpanSpec => ({
    name,
    start,
    end,
    gpu: gpuMs,
    children,
  })
  const part = (name: string, start: number, end: number, gpuMs = 0, children: SpanSpec[] = []): SpanSpec => ({
    ...op(name, start, end, gpuMs, children),
    role: 'phase',
  })
  for (let i = 0; i < 40; i++) {
    const t = i * 12
    const copy: SpanSpec = { ...op('GpuMemcpyAsync:CPU->GPU', t + 19.75, t + 19.85, 0.3), role: 'copy' }
    const predict: SpanSpec = {
      ...op('predict', t + 18.3, t + 30, 3.1, [
        op('preprocess', t + 18.4, t + 19.6, 0),
        op('matmul', t + 19.7, t + 21.1, 2.8, [
          part('prepare_data', t + 19.7, t + 19.9, 0.3, [copy]),
          part('infer_shape', t + 19.9, t + 19.93),
          part('compute', t + 19.95, t + 20.9, 2.5),
        ]),
        op('softmax', t + 21.2, t + 21.5, 0.3, [part('compute', t + 21.22, t + 21.4, 0.3)]),
      ]),
      isAsync: true,
      returned: t + 22,
    }
    const queue: SpanSpec = { ...op('queue', t + 0.2, t + 18 + (i % 5), 0), category: 'request', isAsync: true }
    const request = op('POST /v1/predict', t, t + 31 + (i % 7), 3.1, [queue, predict])
    main.push({ ...request, category: 'request', isAsync: true, returned: t + 0.2 })
    if (i % 9 === 0) main.push({ name: 'minor', category: 'gc', start: t + 32, end: t + 33.1 })
    gpu.push({ kind: 'copy', start: t + 20, end: t + 20.3, bytes: 4 << 20, spanName: 'GpuMemcpyAsync:CPU->GPU' })
    gpu.push({ kind: 'kernel', start: t + 20.3, end: t + 22.8, spanName: 'matmul' })
    gpu.push({ kind: 'kernel', start: t + 23, end: t + 23.3 })
  }
  main.push(op('load model', 500, 574, 0, [op('parse onnx weights of the large model 重みを読み込む', 501, 565, 0)]))
  main.push({ ...op('warm up', 590, 600, 0), flags: 2 })
  for (let i = 0; i < 30; i++) {
    worker.push(op('resize', i * 10, i * 10 + 4 + (i % 3) * 0.1, 0), op('decode\njpeg', i * 10 + 5, i * 10 + 6.5, 0))
  }
  return sourceFromSpans([{ rows: main }, { rows: worker, jsThreadId: 1, name: 'image worker' }], {
    durationMs: 610,
    gpu,
    counters: [1, 2, 3, 4, 5].flatMap(i => [
      { name: 'event loop delay', at: i * 100, value: i * 2.3e6 },
      { name: 'event loop utilization', at: i * 100, value: 0.5 + i / 12 },
      { name: 'rss', at: i * 100, value: 2e8 + i * 1e7 },
      { name: 'heap used', at: i * 100, value: 4e7 + i * 1e6 },
    ]),
    meta: {
      tracerOption: 'OpDetail',
      spanCostNs: 41.3,
      clock: 'tsc',
      opscope: '0.1.0',
      notBrokenDown: 3,
      gpu: { available: true },
      attributes: { model: 'resnet50' },
    },
    view: {
      dropped: 2,
      warnings: [
        { code: 'gpu-late', detail: 'CUPTI was ready 1.2 s after the start; earlier kernels are missing.', count: 1 },
        { code: 'unmatched-ends', detail: '', count: 4 },
      ],
    },
  })
}
