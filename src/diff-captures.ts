import { Capture } from './capture.js'
import { OpscopeError } from './errors.js'
import type { DiffOptions } from './model/diff/options.js'
import { CaptureDiff } from './report/capture-diff.js'

/**
 * What changed between two sides of one or more captures. Several on a side, recorded in turns, tell what two recordings
 * of one program differ by: a change counts if even the two closest recordings differ by more than `minChange`.
 *
 * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE
 * @example
 * const diff = diffCaptures([before1, before2, before3], [after1, after2, after3])
 * console.log(diff.summary)
 */
export function diffCaptures(
  before: Capture | readonly Capture[],
  after: Capture | readonly Capture[],
  options: DiffOptions = {},
): CaptureDiff {
  return new CaptureDiff(sourcesOf(before, 'before'), sourcesOf(after, 'after'), options)
}

function sourcesOf(side: Capture | readonly Capture[], name: string) {
  const captures: readonly unknown[] = Array.isArray(side) ? side : [side]
  if (captures.length === 0) {
    throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', `A diff needs at least one capture ${name}.`)
  }
  return captures.map(capture => {
    if (capture instanceof Capture) return Capture.sourceOf(capture)
    throw new OpscopeError(
      'ERR_OPSCOPE_OPTION_VALUE',
      `Expected captures to compare, got ${capture === null ? 'null' : typeof capture}.`,
      'Read a file with loadCapture() first.',
    )
  })
}
