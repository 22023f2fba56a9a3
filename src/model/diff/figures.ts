import { median } from '../statistics.js'
import type { CallCount } from './call-counts.js'
import type { CheckedDiffOptions } from './options.js'
import type { DiffFigures } from './rows.js'
import { type Drift, judge, type Pair } from './verdict.js'
import type { Measured } from './witnesses.js'

/** A row before it is judged: what its recordings measured, side by side. */
export interface Candidate {
  before: readonly (Measured | undefined)[]
  after: readonly (Measured | undefined)[]
  count: CallCount
  /** Time that a call more or less brings: inclusive, since what is inside comes with it. */
  callNs: number
  /** Its own time is waiting, as that of async rows is. */
  isWait: boolean
}

// The event loop and the system's scheduler add as much to a wait on a busy machine, and take it away on a quiet one
// (70 to 50 µs in the queue of onnxruntime-node, with 17 programs on two cores and without).
const LEAST_WAIT_NS = 100_000

/** Figures and verdicts of groups of rows, each group with the drift it has in common. */
export function figuresOf(
  groups: readonly (readonly Candidate[])[],
  options: CheckedDiffOptions,
): { figures: DiffFigures[][]; drifts: Drift[] } {
  const inBoth = groups.map(group => group.filter(({ count }) => count.before > 0 && count.after > 0))
  const pairs = inBoth.map(group => pairsOf(group, options))
  const { judgements, drifts } = judge(pairs, options)
  const figures = groups.map((group, at) => {
    let next = 0
    return group.map((candidate): DiffFigures => {
      const plain = plainFigures(candidate)
      const { before, after } = candidate.count
      if (before === 0 || after === 0) {
        return { verdict: before === 0 ? 'added' : 'removed', ...plain, change: null, p: 1 }
      }
      const { verdict, doubt, change, p } = judgements[at]![next++]!
      const bound = (value: number) => (Number.isFinite(value) ? value : null)
      return {
        verdict,
        ...(doubt === undefined ? {} : { doubt }),
        ...plain,
        change: { ratio: change.value, low: change.low === -1 ? null : bound(change.low), high: bound(change.high) },
        p,
      }
    })
  })
  return { figures, drifts }
}

function pairsOf(group: readonly Candidate[], { minChange, minImpact }: CheckedDiffOptions): Pair[] {
  const typical = group.map(({ before, after, count }) => ({
    beforeNs: typicalNs(before, count.before),
    afterNs: typicalNs(after, count.after),
  }))
  const allBeforeNs = typical.reduce((ns, { beforeNs }) => ns + beforeNs, 0)
  const allAfterNs = typical.reduce((ns, { afterNs }) => ns + afterNs, 0)
  return group.map(({ before, after, count, isWait }, at) => {
    const { beforeNs, afterNs } = typical[at]!
    const leastNs = Math.max(minImpact * allBeforeNs, isWait ? LEAST_WAIT_NS * count.before : 0)
    const times = (side: Candidate['before']) => side.flatMap(measured => measured?.witnessNs ?? [])
    return {
      before: times(before),
      after: times(after),
      leastChange: Math.max(minChange, leastNs / beforeNs),
      isWeighty: beforeNs >= minImpact * allBeforeNs || afterNs >= minImpact * allAfterNs,
    }
  })
}

/** Own time if each call were as the one in the middle, since changes are of those; at least the 1 ns that a clock tells. */
function typicalNs(side: Candidate['before'], calls: number): number {
  return calls * Math.max(1, median(witnessesOf(side)))
}
function witnessesOf(side: Candidate['before']): number[] {
  return side.flatMap(measured => [...(measured?.witnessNs ?? [])])
}

function plainFigures({ before, after, count, callNs }: Candidate): Omit<DiffFigures, 'verdict' | 'change' | 'p'> {
  const ownNs = { before: sum(before, each => each.ownNs), after: sum(after, each => each.ownNs) }
  const meanNs = {
    before: count.before > 0 ? ownNs.before / count.before : 0,
    after: count.after > 0 ? ownNs.after / count.after : 0,
  }
  const middle = (side: Candidate['before'], calls: number) => (calls > 0 ? median(witnessesOf(side)) : 0)
  const isInBoth = count.before > 0 && count.after > 0
  const callsEffectNs = count.verdict === 'same' ? 0 : (count.after - count.expected) * callNs
  return {
    calls: { before: count.before, after: count.after },
    callsVerdict: isInBoth ? count.verdict : 'same',
    ownNs,
    meanNs,
    medianNs: { before: middle(before, count.before), after: middle(after, count.after) },
    effectNs: isInBoth ? count.after * (meanNs.after - meanNs.before) + callsEffectNs : ownNs.after - ownNs.before,
  }
}

export function sum(side: readonly (Measured | undefined)[], figure: (measured: Measured) => number): number {
  return side.reduce((total, measured) => total + (measured === undefined ? 0 : figure(measured)), 0)
}
