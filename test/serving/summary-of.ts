import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  type LineName,
  type ModelSummary,
  summarizeTraces,
  type TraceSummary,
} from '../../src/serving/summary/index.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-test-'))

/** A file with this content; the same path for each call without a name. */
export function traceFile(content: string | Uint8Array, name = 'trace.json'): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}
export const summaryOf = (content: string | Uint8Array): Promise<TraceSummary> => summarizeTraces(traceFile(content))

export function groupOf(summary: TraceSummary, model: string, role: string): ModelSummary {
  const group = summary.models.find(each => each.model === model && each.role === role)
  if (group === undefined) throw new Error(`no ${model} ${role} among ${JSON.stringify(summary.models)}`)
  return group
}
/** Mean µs of each line, and the number of traces where it is not that of the group's complete ones. */
export function meansOf({ lines, complete }: ModelSummary): Partial<Record<LineName, number | [number, number]>> {
  return Object.fromEntries(
    lines.map(({ name, meanNs, count }) => [name, count === complete ? meanNs / 1000 : [meanNs / 1000, count]]),
  )
}
