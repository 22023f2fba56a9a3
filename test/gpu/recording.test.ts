// Recording with a GPU, from JavaScript: each test is a process of its own that finds the fake libraries.
import { describe, expect, it } from 'vitest'

import { runChild } from '../life-cycle/child.js'
import { FAKES, type FakeMachine, fakeGpu, fakeMachine, hasFakes } from './fake-gpu.js'

/** What a program gives to `show`; it must end well. `run(script)` makes CUDA calls on its thread. */
async function shown(body: string, machine: FakeMachine = {}, env: Record<string, string> = {}): Promise<unknown[]> {
  const outcome = await runChild(
    `import { createRequire } from 'node:module'
     import * as opscope from 'opscope'
     const fake = createRequire(import.meta.url)('${FAKES}/opscope_fake_gpu.node')
     const run = script => fake.run(script)
     const show = value => process.stdout.write(JSON.stringify(value) + '\\n')
     const { profile, record, recordSync, startProfiler, stopProfiler, stopProfilerSync, loadCapture } = opscope
     const paths = capture => capture.ops().map(row => [row.path.join('/'), row.calls, row.gpuNs])
     ${body}
     if (fake.violations() !== '') throw new Error(fake.violations())`,
    { ...fakeMachine(machine), ...env },
  )
  if (outcome.code !== 0) throw new Error(`exit ${outcome.code} ${outcome.signal}\n${outcome.stdout}${outcome.stderr}`)
  return outcome.stdout
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as unknown)
}
const text = (script: unknown): string => JSON.stringify(String(script))

describe.runIf(hasFakes())('recording with a GPU', () => {
  const twoOps = `
    const capture = await profile({ state: 'All' }, () => {
      recordSync('matmul', () => run(${text(fakeGpu().launch('gemm', { dur: 5000 }))}))
      recordSync('load', () => run(${text(fakeGpu().copy('htod', { bytes: 4096, memory: ['pinned', 'device'], dur: 3000 }))}))
    })`

  it.each(['cupti-11.8', 'cupti-12', 'cupti-13'] as const)(
    'gives work to the op that launched it (%s)',
    async cupti => {
      const [gpu, ops, kernels, quality] = await shown(
        `${twoOps}
       show(capture.gpu)
       show(paths(capture))
       show(capture.kernels().map(({ name, calls, totalNs }) => [name, calls, totalNs]))
       show(capture.warnings)`,
        { cupti },
      )
      expect(gpu).toEqual({ available: true })
      expect(ops).toEqual([
        ['matmul', 1, 5000],
        ['load', 1, 3000],
        ['load/GpuMemcpySync:CUDAPinned->GPU', 1, 3000],
      ])
      expect(kernels).toEqual([['gemm', 1, 5000]])
      expect(quality).toEqual([])
    },
  )

  it('gives the kernels of a graph to the op that launched the graph', async () => {
    const replay = fakeGpu()
      .graphLaunch({ graph: 4 })
      .kernel('gemm', { dur: 30, graph: 4, node: 1 })
      .kernel('relu', { dur: 4, graph: 4, node: 2 })
    const [ops, kernels] = await shown(
      `const capture = await profile({}, () => recordSync('replay', () => run(${text(replay)})))
       show(paths(capture))
       show(capture.kernels().map(({ name, graphCalls }) => [name, graphCalls]))`,
    )
    expect(ops).toEqual([['replay', 1, 34]])
    expect(kernels).toEqual([
      ['gemm', 1],
      ['relu', 1],
    ])
  })

  it('records a graph as one row where that was asked for', async () => {
    const replay = fakeGpu().graphLaunch({ graph: 4, nodes: 100, nodeDur: 1000 })
    const [kernels] = await shown(
      `const capture = await profile({ graphTrace: 'graph' }, () => recordSync('replay', () => run(${text(replay)})))
       show(capture.kernels().map(({ name, calls }) => [name, calls]))`,
    )
    expect(kernels).toEqual([['CUDA graph 4', 1]])
  })

  it('leaves out what was launched before the start, in a pause, before a reset and after the stop', async () => {
    const launch = (name: string) => text(fakeGpu().launch(name, { dur: 100 }))
    const [kernels] = await shown(
      `run(${launch('early')})
       startProfiler()
       run(${launch('warm up')})
       opscope.resetProfiler()
       run(${launch('counted')})
       const capture = await stopProfiler({ print: false })
       run(${launch('late')})
       const second = await profile({}, session => {
         session.pause(); run(${launch('paused')}); session.resume()
         run(${launch('second')})
       })
       show([capture, second].map(each => each.kernels().map(({ name, calls }) => [name, calls])))`,
    )
    expect(kernels).toEqual([[['counted', 1]], [['second', 1]]])
  })

  it('counts what no op launched as orphans, in the tables but in no op', async () => {
    const [ops, kernels, report] = await shown(
      `const capture = await profile({}, () => run(${text(fakeGpu().launch('stray', { dur: 700 }))}))
       show(paths(capture)); show(capture.kernels().length); show(capture.report())`,
    )
    expect([ops, kernels]).toEqual([[], 1])
    expect(report).toContain('1 of 1 GPU row without an op')
  })

  it('loses nothing in a file and back', async () => {
    const [before, after] = await shown(
      `${twoOps}
       await capture.export('/tmp/opscope-gpu-' + process.pid + '.pftrace')
       const loaded = await loadCapture('/tmp/opscope-gpu-' + process.pid + '.pftrace')
       for (const each of [capture, loaded]) show([each.report(), each.devices(), each.kernels(), each.gaps()])
       ;(await import('node:fs')).rmSync('/tmp/opscope-gpu-' + process.pid + '.pftrace')`,
    )
    expect(after).toEqual(before)
  })

  it('tells memory by op where it was asked for', async () => {
    const allocate = fakeGpu()
      .line('memory alloc bytes=1M address=0x10000')
      .line('memory free bytes=1M address=0x10000')
    const body = (options: string) =>
      `const capture = await profile(${options}, () => recordSync('load', () => run(${text(allocate)})))
       show([capture.memory(), capture.devices().map(device => device.memory?.peakBytes)])`
    const [asked] = await shown(body('{ memory: true }'))
    expect(asked).toEqual([
      [
        {
          path: ['load'],
          device: 0,
          kind: 'device',
          allocations: 1,
          allocatedBytes: 1 << 20,
          releases: 1,
          releasedBytes: 1 << 20,
        },
      ],
      [1 << 20],
    ])
    const [notAsked] = await shown(body('{}'))
    expect(notAsked).toMatchObject([[], {}])
  })

  it('flushes in a synchronous stop too', async () => {
    const [kernels] = await shown(
      `startProfiler()
       run(${text(fakeGpu().launch('gemm', { dur: 100 }))})
       show(stopProfilerSync({ print: false }).kernels().map(({ name }) => name))`,
    )
    expect(kernels).toEqual(['gemm'])
  })

  it('completes the promised file when the program ends without a stop', async () => {
    const file = `/tmp/opscope-gpu-exit-${process.pid}.pftrace`
    await shown(
      `startProfiler({ profilePath: '${file}', print: false })
       recordSync('matmul', () => run(${text(fakeGpu().launch('gemm', { dur: 100 }))}))`,
    )
    const [kernels] = await shown(
      `const capture = await loadCapture('${file}')
       show(capture.kernels().map(({ name }) => name)); (await import('node:fs')).rmSync('${file}')`,
    )
    expect(kernels).toEqual(['gemm'])
  })

  it('keeps two sessions and a worker apart, each with the work of its own window', async () => {
    const launch = (name: string) => text(fakeGpu().launch(name, { dur: 100 }))
    const [names] = await shown(
      `const { Worker } = await import('node:worker_threads')
       const opscopeUrl = import.meta.resolve('opscope')
       startProfiler()
       run(${launch('first')})
       const inner = await profile({}, () => run(${launch('both')}))
       const worker = new Worker(
         \`import(\${JSON.stringify(opscopeUrl)}).then(async ({ profile }) => {
           const { createRequire } = await import('node:module')
           const fake = createRequire('/')('${FAKES}/opscope_fake_gpu.node')
           const capture = await profile({}, () => fake.run(${launch('worker').replaceAll('\\', '\\\\')}))
           require('node:worker_threads').parentPort.postMessage(capture.kernels().map(({ name }) => name))
         })\`, { eval: true })
       const ofWorker = await new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject))
       const outer = await stopProfiler({ print: false })
       const namesOf = capture => capture.kernels().map(({ name }) => name).sort()
       show([namesOf(inner), ofWorker, namesOf(outer)])`,
    )
    expect(names).toEqual([['both'], ['worker'], ['both', 'first', 'worker']])
  })

  it('leaves CUPTI alone when only the CPU is recorded', async () => {
    const [calls] = await shown(`await profile({ state: 'CPU' }, () => {}); show(fake.calls())`)
    expect(calls).toBe('')
  })

  it('counts what CUPTI dropped, and says so in the report', async () => {
    const [warnings, report] = await shown(
      `const capture = await profile({}, () => run(${text(fakeGpu().drop(125).launch('gemm'))}))
       show(capture.warnings.map(({ code, count }) => [code, count])); show(capture.report())`,
    )
    expect(warnings).toEqual([['gpu-dropped', 125]])
    expect(report).toContain('gpu-dropped (125)')
  })
})

describe.runIf(hasFakes())('a GPU that cannot be recorded', () => {
  const REFUSALS: [string, FakeMachine, RegExp][] = [
    ['no-driver', { driver: false }, /libcuda|no-driver/],
    ['no-device', { errors: ['cuInit=100'] }, /cuInit/],
    ['driver-broken', { errors: ['cuInit=999'] }, /cuInit/],
    ['cupti-missing', { cupti: 'none' }, /OPSCOPE_CUPTI_PATH/],
    ['cupti-unusable', { cupti: 'cupti-incomplete' }, /libcupti/],
    ['busy', { holder: 'nsys' }, /"nsys" has CUPTI/],
    ['refused', { errors: ['cuptiSubscribe=35'] }, /administrators/],
    ['refused', { errors: ['cuptiActivityEnable=41'] }, /confidential/],
  ]
  it.each(REFUSALS)(
    'is an answer with the reason %s (%o), and the CPU is recorded',
    async (reason, machine, detail) => {
      const [gpu, ops, report, diagnosis, required] = await shown(
        `const capture = await profile({ state: 'All' }, () => recordSync('predict', () => {}))
       show(capture.gpu); show(paths(capture)); show(capture.report())
       show(opscope.diagnose().gpu)
       try { await profile({ gpu: 'required' }, () => {}) } catch (error) { show([error.code, error.message]) }`,
        machine,
      )
      expect(gpu).toMatchObject({ available: false, reason })
      expect(ops).toEqual([['predict', 1, 0]])
      expect(report).toContain(`no GPU: ${reason}`)
      expect(diagnosis).toMatchObject({ available: false, reason, detail: expect.stringMatching(detail) as unknown })
      expect(required).toMatchObject(['ERR_OPSCOPE_GPU_UNAVAILABLE', expect.stringContaining(reason)])
    },
  )
})
