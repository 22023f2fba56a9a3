import type { TraceFileFacts } from './read-traces.js'
import type { SummaryWarning } from './trace-summary.js'

/** What a summary found, beside what the reader did. */
export interface WarningCounts {
  badStamps: number
  orphans: number
  leftOut: number
}

export function fileWarnings({ counts, isCut }: TraceFileFacts, found: WarningCounts): SummaryWarning[] {
  const warnings: SummaryWarning[] = []
  const warn = (code: string, count: number, detail: string) => {
    if (count > 0) warnings.push({ code, count, detail })
  }
  warn('file-cut', Number(isCut), 'the file ends before its JSON does; what is whole was read')
  warn('fragments-damaged', counts.damaged, 'objects are no valid JSON, or tell of no trace')
  warn('fragments-late', counts.late, 'fragments came long after the others of their trace, and were left out')
  warn('families-split', counts.split, 'requests are too far from the one that made them, and stand alone')
  warn('stamps-damaged', counts.damagedStamps, 'timestamps have no name or no whole ns, and were left out')
  warn(
    'stamps-reversed',
    found.badStamps,
    'timestamps are not above zero or lie before their start; their lines do without',
  )
  warn('parents-missing', found.orphans, 'requests were made by others that the file does not tell of')
  warn('models-left-out', counts.leftOutNames + found.leftOut, 'models or ensembles are more than can be told apart')
  warn('tensors-left-out', counts.leftOutTensors, 'tensors are too large to be shown')
  return warnings
}
