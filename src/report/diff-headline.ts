// The answer of a diff in sentences: what changed, by how much, and what part of all that is.
import { addedNs, type Change, changesOf } from '../model/diff/changes.js'
import type { Diff } from '../model/diff/diff.js'
import type { CheckedDiffOptions } from '../model/diff/options.js'
import type { DiffFigures } from '../model/diff/rows.js'
import {
  changeText,
  countText,
  durationText,
  grouped,
  percentText,
  plural,
  ratioText,
  unitFor,
} from '../model/figure-text.js'
import { printedPath, printedText } from '../model/names.js'
import { cutMiddle } from '../text-width.js'

// More are told by the tables.
const NAMED = 3
// Names of kernels have hundreds of characters, and the sentence more to say.
const MOST_OF_A_NAME = 60

export function headline(diff: Diff, options: CheckedDiffOptions): string {
  return sentencesOf(diff, options).join(' ')
}

/** The first one is the answer. */
export function sentencesOf(diff: Diff, options: CheckedDiffOptions): string[] {
  if (!diff.comparable) return [`Not comparable: ${diff.reason}.`]
  const { host, gpu } = changesOf(diff, options.minImpact)
  if (host.length + gpu.length === 0) return [driftText(diff, options) ?? stillText(diff)]
  const isHost = host.length > 0
  const onGpu = isHost && gpu.length > 0 ? [`On the GPU: ${gpu.slice(0, NAMED).map(shortText).join(', ')}.`] : []
  return [changesText(diff, isHost ? host : gpu, isHost), ...onGpu, restText(diff)]
}

function changesText(diff: Diff, changes: readonly Change[], isHost: boolean): string {
  const [first, ...others] = changes as [Change, ...Change[]]
  const next = others.slice(0, NAMED - 1).map(({ row, ...rest }) => shortText({ row, ...rest } as Change))
  const more = others.length - next.length
  const tail = [...next, ...(more > 0 ? [`and ${countText(more)} more`] : [])]
  const rest = tail.length === 0 ? '' : `; then ${tail.join(', ')}`
  const share = first.kind === 'stage' ? '' : shareText(diff, first.row.effectNs, isHost)
  return `${longText(diff, first)}${share}${rest}.`
}

/** `conv got 31.0% slower per call (1.20 → 1.57 ms, 95% CI 28.0% to 34.0%)`. */
function longText(diff: Diff, change: Change): string {
  const { row } = change
  const name = nameOf(change)
  if (row.verdict === 'added' || row.verdict === 'removed') {
    const side = row.verdict === 'added' ? 'after' : 'before'
    const ns = 'totalNs' in row ? row.totalNs[side] : row.ownNs[side]
    return `${name} is ${row.verdict === 'added' ? 'new' : 'gone'} (${plural(row.calls[side], 'call')}, ${durationText(ns)})`
  }
  const calls = row.callsVerdict === 'same' ? '' : callsText(diff, row)
  if (row.verdict !== 'slower' && row.verdict !== 'faster') return `${name} ${calls}`
  return `${name} ${perCallText(row)}${calls === '' ? '' : ` and ${calls}`}`
}

function perCallText({ change, medianNs, verdict }: DiffFigures): string {
  const { ratio, low, high } = change!
  const bound = (value: number | null) => (value === null ? '?' : changeText(value))
  const interval = `${bound(low)} to ${bound(high)}`
  const times = betweenText(medianNs.before, medianNs.after)
  return `got ${percentText(Math.abs(ratio))} ${verdict} per call (${times}, interval ${interval})`
}

function callsText(diff: Diff, { calls, callsVerdict }: DiffFigures): string {
  const { before, after } = diff.work
  const times = `${countText(calls.before)} → ${countText(calls.after)}`
  const work = before === after ? '' : ` for ${ratioText(after / before)} the work`
  return `is called ${callsVerdict === 'more' ? 'more' : 'less'} often (calls ${times}${work})`
}

function shortText(change: Change): string {
  const { row } = change
  const name = nameOf(change)
  if (row.verdict === 'added') return `${name} (new)`
  if (row.verdict === 'removed') return `${name} (gone)`
  const calls =
    row.callsVerdict === 'same' ? [] : [`calls ${countText(row.calls.before)} → ${countText(row.calls.after)}`]
  const isMoved = row.verdict === 'slower' || row.verdict === 'faster'
  return `${name} (${[...(isMoved ? [changeText(row.change!.ratio)] : []), ...calls].join(', ')})`
}

/** `; it explains 92.0% of the added 3.70 ms`, where that is a part; else both figures. */
function shareText(diff: Diff, effectNs: number, isHost: boolean): string {
  const allNs = addedNs(isHost ? diff.ops : [...diff.kernels, ...diff.copies])
  const share = effectNs / allNs
  const word = allNs > 0 ? 'added' : 'saved'
  const all = `the ${word} ${durationText(Math.abs(allNs))}`
  // A little beyond the whole is the noise of the rest.
  if (share >= 0.995 && share <= 1.1) return `; it explains all of ${all}`
  if (share >= 0.01 && share < 1) return `; it explains ${percentText(share)} of ${all}`
  const own = `; that ${effectNs > 0 ? 'adds' : 'saves'} ${durationText(Math.abs(effectNs))}`
  const rest = `${isHost ? 'all ops' : 'the GPU'} took ${durationText(Math.abs(allNs))} ${allNs > 0 ? 'more' : 'less'}`
  return `${own}; ${rest}`
}

function restText(diff: Diff): string {
  const unsure = unsureCount(diff)
  return unsure === 0
    ? 'Nothing else changed.'
    : `Nothing else changed beyond noise; ${plural(unsure, 'row')} cannot be told.`
}

function stillText(diff: Diff): string {
  const all = [...diff.ops, ...diff.stages, ...diff.kernels, ...diff.copies].filter(
    ({ calls }) => calls.before > 0 && calls.after > 0,
  ).length
  const unsure = unsureCount(diff)
  if (unsure === 0) return `Nothing changed: of ${plural(all, 'row')} on both sides none has a change that counts.`
  return `Nothing changed beyond noise: ${countText(all - unsure)} of ${plural(all, 'row')} have no change that counts, ${countText(unsure)} cannot be told.`
}

/** Where most rows moved alike, and nothing stands out. */
function driftText(diff: Diff, { minChange }: CheckedDiffOptions): string | undefined {
  const { host, gpu } = diff.drift
  for (const [drift, what] of [
    [host, 'Ops and stages'],
    [gpu, 'Kernels and copies'],
  ] as const) {
    const moved = Math.abs(Math.log1p(drift.change))
    // Rows that moved by as much in either direction did not move alike.
    if (moved <= Math.log1p(minChange) || drift.spread > moved / 2) continue
    const word = drift.change > 0 ? 'slower' : 'faster'
    const share = percentText(Math.abs(drift.change))
    return `${what} got ${share} ${word} alike, and none stands out: another state of the machine, or one cause for all (${plural(drift.rows, 'row')} compared).`
  }
  return undefined
}

function unsureCount(diff: Diff): number {
  return [...diff.ops, ...diff.stages, ...diff.kernels, ...diff.copies].filter(({ verdict }) => verdict === 'unsure')
    .length
}

function nameOf({ row }: { row: Change['row'] }): string {
  return 'path' in row ? printedPath(row.path) : cutMiddle(printedText(row.name), MOST_OF_A_NAME)
}

/** `1.20 → 1.57 ms`: both in the unit of the larger, or each in its own where they are far apart. */
export function betweenText(beforeNs: number, afterNs: number): string {
  const unit = unitFor(Math.max(beforeNs, afterNs))
  const [small, large] = [Math.min(beforeNs, afterNs) / unit.ns, Math.max(beforeNs, afterNs) / unit.ns]
  if (small < 0.1 || unit.name === 'ns') return `${durationText(beforeNs)} → ${durationText(afterNs)}`
  const digits = large < 10 ? 2 : large < 1000 ? 1 : 0
  return `${grouped((beforeNs / unit.ns).toFixed(digits))} → ${grouped((afterNs / unit.ns).toFixed(digits))} ${unit.name}`
}
