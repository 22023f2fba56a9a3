// What the reader of our own Chrome traces tells the native core, row for row.
import { createReadStream, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it } from 'vitest'

import { native } from '../../src/binding.js'
import { Capture } from '../../src/capture.js'
import type { CaptureFileRows } from '../../src/import/capture-file-rows.js'
import { importChrome } from '../../src/import/chrome.js'
import { profile } from '../../src/profiler.js'
import { mark, record, recordSync } from '../../src/record.js'
import { buildCapture } from '../../src/rows.js'
import { REQUEST_ROWS } from '../fixtures/inference-rows.js'

async function rowsOf(capture: Capture): Promise<CaptureFileRows> {
  const path = join(mkdtempSync(join(tmpdir(), 'opscope-test-')), 'trace.json')
  await capture.export(path)
  return (await importChrome(createReadStream(path)))!.rows() as CaptureFileRows
}

it('tells the parents, returns, pauses and marks of a recorded session', async () => {
  const capture = await profile({}, async session => {
    await record('request', async () => {
      recordSync('prepare', () => mark('inside'))
      await Promise.all([record('queue', () => nextTurn()), record('fetch', () => nextTurn())])
      mark('outside')
    })
    session.pause()
    session.resume()
  })
  const view = native().view(Capture.recordingOf(capture))
  const rows = await rowsOf(capture)
  expect(rows.spans.parent).toEqual(view.spans.parent)
  expect(rows.returns).toEqual({ row: view.asyncs.row, returnNs: view.asyncs.returnNs })
  expect(rows.marks.span).toEqual(view.marks.span)
  expect(rows.pauses).toEqual(view.pauses)
  expect(rows.originClockNs).toBe(view.originClockNs)
})

it('leaves out the rows that API calls make, and renumbers the parents of the others', async () => {
  const capture = await buildCapture(REQUEST_ROWS)
  const view = native().view(Capture.recordingOf(capture))
  const isOfCall = (row: number) => view.names[view.spans.name[row]!]!.text.startsWith('GpuMemcpy')
  const kept = Array.from(view.spans.name.keys()).filter(row => !isOfCall(row))
  const { spans, names } = await rowsOf(capture)
  expect(Array.from(spans.name, name => names[name]!.text)).toEqual(
    kept.map(row => view.names[view.spans.name[row]!]!.text),
  )
  expect(Array.from(spans.parent!)).toEqual(kept.map(row => kept.indexOf(view.spans.parent[row]!)))
  expect(Array.from(spans.spanId.entries()).filter(([, id]) => id !== 0n)).toEqual(
    Array.from(view.ids.row, (row, index) => [kept.indexOf(row), view.ids.spanId[index]]),
  )
  expect(Array.from(spans.parentId).filter(id => id !== 0n)).toEqual([0xdeadn])
})
