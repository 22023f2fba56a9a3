// A traced request whose stages copy and compute on a GPU, that of a script: each stage gets what it launched.
import { describe, expect, it } from 'vitest'
import { FAKES, fakeGpu, fakeMachine, hasFakes } from '../gpu/fake-gpu.js'
import { runChild } from '../life-cycle/child.js'

const text = (script: unknown): string => JSON.stringify(String(script))
const toDevice = fakeGpu().copy('htod', { bytes: 4096, memory: ['pinned', 'device'], dur: 3000 })
const compute = fakeGpu().launch('gemm', { dur: 50_000 })
const toHost = fakeGpu().copy('dtoh', { bytes: 1024, memory: ['device', 'pinned'], dur: 2000 })

const PROGRAM = `
  import { createServer } from 'node:http'
  import { createRequire } from 'node:module'
  import { profile } from 'opscope'
  import { servingTracer } from 'opscope/serving'
  const fake = createRequire(import.meta.url)('${FAKES}/opscope_fake_gpu.node')
  const tracer = servingTracer({ rate: 1 })
  const later = value => new Promise(resolve => setImmediate(resolve, value))
  const server = createServer(async (_, response) => {
    await tracer.infer({ model: 'resnet' }, {
      input: () => fake.run(${text(toDevice)}),
      infer: () => { fake.run(${text(compute)}); return later() },
      output: () => fake.run(${text(toHost)}),
    })
    response.end()
  })
  tracer.http(server)
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const capture = await profile({ state: 'All' }, async () => {
    for (let index = 0; index < 2; index++) await (await fetch('http://127.0.0.1:' + server.address().port)).text()
  })
  const gpuNs = rows => rows.filter(row => row.gpuNs > 0).map(row => [row.path.join(' > '), row.calls, row.gpuNs])
  console.log(JSON.stringify({ ops: gpuNs(capture.ops()), asyncs: gpuNs(capture.asyncOps()), warnings: capture.warnings }))
  server.closeAllConnections()
  server.close()
  await tracer.close()`

describe.runIf(hasFakes())('a traced request on a GPU', () => {
  it('has its copies and kernels in the stages that launched them', async () => {
    const { stdout, stderr } = await runChild(PROGRAM, fakeMachine({}))
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({
      ops: [
        ['HTTP request > infer resnet > compute input', 2, 6000],
        ['HTTP request > infer resnet > compute input > GpuMemcpySync:CUDAPinned->GPU', 2, 6000],
        ['HTTP request > infer resnet > compute output', 2, 4000],
        ['HTTP request > infer resnet > compute output > GpuMemcpySync:GPU->CUDAPinned', 2, 4000],
      ],
      asyncs: [
        ['HTTP request', 2, 110_000],
        ['HTTP request > infer resnet', 2, 110_000],
        ['HTTP request > infer resnet > infer', 2, 100_000],
      ],
      warnings: [],
    })
  })
})
