import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'

import { demoImages, demoModel } from '../../examples/demo/demo-network.mjs'
import { loadCapture } from '../../src/load-capture.js'

interface NodeEvent {
  cat: string
  name: string
  dur: number
  args: { op_name: string }
}

it('gives each op the kernel times that ONNX Runtime itself wrote down', async () => {
  const ort = createRequire(import.meta.url)('onnxruntime-node') as typeof import('onnxruntime-common')
  const folder = mkdtempSync(join(tmpdir(), 'opscope-test-'))
  const session = await ort.InferenceSession.create(demoModel(), {
    enableProfiling: true,
    profileFilePrefix: join(folder, 'ort'),
  })
  const { dims, data } = demoImages(2)
  for (let run = 0; run < 3; run++) {
    await session.run({ image: new ort.Tensor('float32', data, dims) })
  }
  session.endProfiling()
  const [file = ''] = readdirSync(folder)
  const path = join(folder, file)

  const truth = new Map<string, { calls: number; totalUs: number }>()
  for (const { cat, name, dur, args } of JSON.parse(readFileSync(path, 'utf8')) as NodeEvent[]) {
    if (cat === 'Node' && name.endsWith('_kernel_time')) {
      const { calls, totalUs } = truth.get(args.op_name) ?? { calls: 0, totalUs: 0 }
      truth.set(args.op_name, { calls: calls + 1, totalUs: totalUs + dur })
    }
  }
  const capture = await loadCapture(path)
  const found = new Map(
    capture
      .ops()
      .filter(
        ({ role, path }) =>
          role === 'op' &&
          path.includes('SequentialExecutor::Execute') &&
          path.at(-1) !== 'SequentialExecutor::Execute',
      )
      .map(({ name, calls, cpuNs }) => [name, { calls, totalUs: cpuNs / 1000 }]),
  )
  expect(found).toEqual(truth)
  expect(truth.get('Conv')!.calls).toBe(9)
  expect(capture.warnings).toEqual([])
  expect(capture.overhead().hasPhases).toBe(true)
})
