import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { OpscopeError } from '../../src/errors.js'
import { loadCapture } from '../../src/load-capture.js'
import { buildCapture } from '../../src/rows.js'
import { INFERENCE_ROWS, REQUEST_ROWS } from '../fixtures/inference-rows.js'
import { nodeTrace } from './node-trace-events.js'
import { profileOf } from './profiles.js'
import { vizTrace } from './viztracer-events.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-test-'))

async function write(path: string): Promise<void> {
  if (path.endsWith('.cpuprofile')) {
    const stack = (i: number) => ['main/load', 'main/predict/matmul', '(garbage collector)', '(idle)'][i % 4]!
    const stacks = Array.from({ length: 30 }, (_, i): [number, string] => [i * 100, stack(i)])
    writeFileSync(path, JSON.stringify(profileOf(stacks, 3000)))
  } else if (path.endsWith('.log')) {
    writeFileSync(path, JSON.stringify(nodeTrace(51_836_856_102)))
  } else if (path.endsWith('viztracer.json')) {
    writeFileSync(path, JSON.stringify(vizTrace()))
  } else {
    await (await buildCapture(path.endsWith('.pb') ? INFERENCE_ROWS : REQUEST_ROWS)).export(path)
  }
}

describe.each([
  'trace.json',
  'trace.json.gz',
  'trace.pftrace',
  'trace.paddle.pb',
  'trace.xplane.pb',
  'a.cpuprofile',
  'node_trace.1.log',
  'viztracer.json',
])('%s with random damage', name => {
  it('is read or refused, never a surprise', async () => {
    const path = join(folder, name)
    await write(path)
    const whole = readFileSync(path)
    let state = 7
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return Math.floor((state / 2 ** 32) * below)
    }
    const damaged = join(folder, `damaged-${name}`)
    let read = 0
    for (let round = 0; round < 150; round++) {
      const bytes = Buffer.from(whole.subarray(0, 1 + random(whole.length)))
      for (let edit = random(4); edit > 0; edit--) bytes[random(bytes.length)] = random(256)
      writeFileSync(damaged, bytes)
      try {
        const capture = await loadCapture(damaged)
        capture.report()
        capture.toJSON()
        read++
      } catch (error) {
        expect(error, (error as Error).stack).toBeInstanceOf(OpscopeError)
      }
    }
    expect(read).toBeGreaterThan(0)
  })
})
