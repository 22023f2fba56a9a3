import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'

import type { Capture } from '../../src/capture.js'
import { loadCapture } from '../../src/load-capture.js'
import { buildCapture, type CaptureRows } from '../../src/rows.js'
import { AWKWARD_NAME, INFERENCE_ROWS, REQUEST_ROWS } from '../fixtures/inference-rows.js'
import { contentOf } from './capture-content.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-test-'))

async function through(name: string, rows: CaptureRows): Promise<{ before: Capture; after: Capture }> {
  const before = await buildCapture(rows)
  const path = join(folder, name)
  await before.export(path)
  return { before, after: await loadCapture(path) }
}
describe.each(['trace.pftrace', 'trace.pftrace.gz', 'trace.json', 'trace.json.gz', 'no-suffix'])('%s', name => {
  it('loads back as it was, to the nanosecond', async () => {
    const { before, after } = await through(name, REQUEST_ROWS)
    expect(contentOf(after)).toEqual(contentOf(before))
  })
  it('loads an empty capture back', async () => {
    const { before, after } = await through(`empty-${name}`, {})
    expect(contentOf(after)).toEqual(contentOf(before))
  })
})

describe('trace.paddle.pb', () => {
  let before: Capture
  let after: Capture
  beforeAll(async () => {
    ;({ before, after } = await through('trace.paddle.pb', INFERENCE_ROWS))
  })
  const opsOf = (capture: Capture) =>
    capture.ops().map(({ path, role, calls, cpuNs, gpuNs, selfNs, minNs, maxNs }) => ({
      path,
      role,
      calls,
      cpuNs,
      gpuNs,
      selfNs,
      minNs,
      maxNs,
    }))
  it('loads back with the same ops', () => {
    expect(opsOf(after)).toEqual(opsOf(before))
  })
  it('keeps a slash inside a name', () => {
    expect(after.ops().some(({ path }) => path.at(-1) === AWKWARD_NAME)).toBe(true)
  })
  it('keeps the wall clock and the copies', () => {
    expect(after.originEpochNs + BigInt(0)).toBe(before.originEpochNs + 1n) // it starts at the first event
    expect(after.copies()).toEqual(before.copies())
  })
  it('says what it cannot carry', async () => {
    const capture = await buildCapture(REQUEST_ROWS)
    const { warnings } = await capture.export(join(folder, 'lossy.paddle.pb'))
    expect(warnings.length).toBeGreaterThan(0)
  })
})

it('writes the same rows in every format', async () => {
  const figures = []
  for (const name of ['a.pftrace', 'a.json', 'a.json.gz', 'a.paddle.pb']) {
    const { after } = await through(name, INFERENCE_ROWS)
    figures.push(after.ops({ sortedKey: 'total' }).map(({ path, calls, totalNs }) => [path, calls, totalNs]))
  }
  expect(new Set(figures.map(rows => JSON.stringify(rows))).size).toBe(1)
})
