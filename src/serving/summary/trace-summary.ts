import { showAsText } from '../../model/show-as-text.js'
import type { DataFlowTrace } from './data-flow.js'
import type { EnsembleSummary } from './ensembles.js'
import type { IncompleteTraces, ModelSummary } from './model-groups.js'
import { traceSummaryText } from './trace-summary-text.js'

/** Trouble with a file that did not stop the work, and how often. */
export interface SummaryWarning {
  code: string
  count: number
  /** For people. */
  detail: string
}
/** The plain content of a {@link TraceSummary}; all times ns. */
export interface TraceSummaryData {
  file: string
  /** JSON objects that tell of them. */
  fragments: number
  /** Requests, and what they led to. */
  traces: number
  /** Of them, those that the figures are of. */
  complete: number
  /** Those that belong to no model; more are counted in each of `models`. */
  incomplete: IncompleteTraces[]
  /** By model and way of coming, in the order of the file. */
  models: ModelSummary[]
  /** Requests that led to others. */
  ensembles: EnsembleSummary[]
  /** The tensors of one request, if the file has any. */
  dataFlow: DataFlowTrace | null
  warnings: SummaryWarning[]
}

/** What a file of request traces says. Printed, it is the text for people; JSON.stringify gives the data. */
export class TraceSummary implements TraceSummaryData {
  readonly file!: string
  readonly fragments!: number
  readonly traces!: number
  readonly complete!: number
  readonly incomplete!: IncompleteTraces[]
  readonly models!: ModelSummary[]
  readonly ensembles!: EnsembleSummary[]
  readonly dataFlow!: DataFlowTrace | null
  readonly warnings!: SummaryWarning[]

  static {
    showAsText(TraceSummary)
  }

  /** @internal */
  constructor(data: TraceSummaryData) {
    Object.assign(this, data)
  }

  /** Lines of at most `columns` cells. @default 80 */
  text(columns = 80): string {
    return traceSummaryText(this, columns)
  }
  toString(): string {
    return this.text()
  }
}
