import { OpscopeError } from '../errors.js'
import { type Diff, diffOf } from '../model/diff/diff.js'
import { type CheckedDiffOptions, checkedDiffOptions, type DiffOptions } from '../model/diff/options.js'
import { ordered } from '../model/diff/order.js'
import type { OverallRow } from '../model/diff/overall.js'
import type { BeforeAfter, CopyDiffRow, DiffRow, KernelDiffRow } from '../model/diff/rows.js'
import type { ReportSource } from '../model/ops.js'
import { showAsText } from '../model/show-as-text.js'
import { checkKeys } from '../option-checks.js'
import { headline } from './diff-headline.js'
import { diffHtml, diffPage } from './diff-html.js'
import { type DiffReportOptions, formatDiff } from './diff-report.js'

/**
 * What changed between two captures, or between several on each side. Immutable; prints itself. Made by
 * {@link Capture.diff} and diffCaptures().
 *
 * @example
 * const diff = before.diff(after)
 * console.log(diff.summary)
 * for (const row of diff.ops) if (row.verdict === 'slower') console.log(row.path.join(' > '), row.change.ratio)
 */
export class CaptureDiff {
  readonly #diff: Diff
  readonly #options: CheckedDiffOptions

  static {
    showAsText(CaptureDiff, diff => diffHtml(diff.#diff, diff.#options))
  }

  /** @internal */
  constructor(before: readonly ReportSource[], after: readonly ReportSource[], options: DiffOptions) {
    this.#options = checkedDiffOptions(options)
    const diff = diffOf(before, after, this.#options)
    const { sortedKey } = this.#options
    this.#diff = {
      ...diff,
      ops: ordered(diff.ops, sortedKey),
      stages: ordered(diff.stages, sortedKey),
      kernels: ordered(diff.kernels, sortedKey),
      copies: ordered(diff.copies, sortedKey),
    }
  }

  /** False: nothing was recorded on both sides, and {@link reason} says why. */
  get comparable(): boolean {
    return this.#diff.comparable
  }
  get reason(): string | undefined {
    return this.#diff.reason
  }
  /** The answer in a sentence or two. */
  get summary(): string {
    return headline(this.#diff, this.#options)
  }
  /** What was left out of the comparison, for people. */
  get notes(): readonly string[] {
    return this.#diff.notes
  }
  /** How much was done on each side: calls of the outermost rows, of the one in the middle where they differ. */
  get work(): BeforeAfter {
    return this.#diff.work
  }
  /** How most rows moved; what moved alike is no verdict on single rows. */
  get drift(): Diff['drift'] {
    return this.#diff.drift
  }
  /** Figures of the whole recordings, without verdicts. */
  get overall(): readonly OverallRow[] {
    return this.#diff.overall
  }
  get ops(): readonly DiffRow[] {
    return this.#diff.ops
  }
  /** Async rows: requests, their stages, and what else was open across an await. */
  get stages(): readonly DiffRow[] {
    return this.#diff.stages
  }
  get kernels(): readonly KernelDiffRow[] {
    return this.#diff.kernels
  }
  get copies(): readonly CopyDiffRow[] {
    return this.#diff.copies
  }

  /**
   * The diff as text, the answer first.
   * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE
   */
  report(options: DiffReportOptions = {}): string {
    checkKeys(options, ['columns', 'all'])
    const { columns, all } = options
    if (columns !== undefined && !(Number.isInteger(columns) && columns > 0)) {
      throw valueError('columns', 'a positive integer', columns)
    }
    if (all !== undefined && typeof all !== 'boolean') throw valueError('all', 'true or false', all)
    return formatDiff(this.#diff, this.#options, options).replace(/\n$/, '')
  }
  toString(): string {
    return this.report()
  }
  /** The same as a page that needs nothing else, with all rows. */
  async html(): Promise<string> {
    return diffPage(this.#diff, this.#options)
  }
  /** What `JSON.stringify` shows: the answer, the options and all rows. */
  toJSON(): Record<string, unknown> {
    const { nested: _, ...shown } = this.#diff
    return { summary: this.summary, options: this.#options, ...shown }
  }
}

function valueError(key: string, expected: string, value: unknown): OpscopeError {
  return new OpscopeError(
    'ERR_OPSCOPE_OPTION_VALUE',
    `Expected the "${key}" option to be ${expected}, got ${String(value)}.`,
  )
}
