// Round moments to mark on a stretch of time, and how they are written.
import { grouped } from '../../model/figure-text.js'
import type { TimeRange } from '../page-state.js'

interface AxisUnit {
  name: string
  ns: number
}
const UNITS: readonly AxisUnit[] = [
  { name: 'ns', ns: 1 },
  { name: 'µs', ns: 1e3 },
  { name: 'ms', ns: 1e6 },
  { name: 's', ns: 1e9 },
]
const MINUTE_NS = 60e9
const HOUR_NS = 3600e9
// Steps that are round on a clock, where 1-2-5 is not.
const CLOCK_STEPS_NS = [
  15e9,
  30e9,
  ...[1, 2, 5, 10, 15, 30].map(n => n * MINUTE_NS),
  ...[1, 2, 6, 12].map(n => n * HOUR_NS),
]
const DAY_NS = 24 * HOUR_NS

/** The smallest round step, 1, 2 or 5 times a power of ten and on a clock above 10 s, that is no less than `ns`. */
export function roundStep(ns: number): number {
  if (ns <= 1) return 1
  if (ns > 10e9 && ns <= 12 * HOUR_NS) return CLOCK_STEPS_NS.find(step => step >= ns)!
  const unit = ns > DAY_NS / 2 ? DAY_NS : 1
  const power = 10 ** Math.floor(Math.log10(ns / unit))
  return unit * ([1, 2, 5].map(digit => digit * power).find(step => step * unit >= ns) ?? 10 * power)
}

export interface Ticks {
  stepNs: number
  atNs: number[]
}

/** At most `most` round moments inside the range, evenly apart; whole ns. */
export function ticksOf({ startNs, endNs }: TimeRange, most: number): Ticks {
  const stepNs = roundStep((endNs - startNs) / Math.max(1, most))
  const atNs: number[] = []
  for (let index = Math.ceil(startNs / stepNs); index * stepNs <= endNs; index++) atNs.push(index * stepNs)
  return { stepNs, atNs }
}

/**
 * A moment since the start in the unit that fits the range, with the digits that tell it from the next tick: `250 µs`,
 * `1.25 s`, `2:30`, `1:00:00`.
 */
export function momentText(atNs: number, stepNs: number, rangeEndNs: number): string {
  if (rangeEndNs >= 10 * MINUTE_NS && stepNs >= 1e9) return clockText(atNs)
  const unit = UNITS.findLast(({ ns }) => ns <= Math.max(1, rangeEndNs)) ?? UNITS[0]!
  const digits = Math.max(0, Math.ceil(Math.log10(unit.ns / stepNs) - 1e-9))
  return `${grouped((atNs / unit.ns).toFixed(digits))} ${unit.name}`
}

/** Ticks with their texts. Where moments are long and the range is short, all but the first are told from a round one. */
export function axisLabels(range: TimeRange, most: number): { atNs: number; text: string }[] {
  const { stepNs, atNs } = ticksOf(range, most)
  const lengthNs = range.endNs - range.startNs
  if (range.endNs < 1000 * lengthNs || range.endNs < 1e3) {
    return atNs.map(at => ({ atNs: at, text: momentText(at, stepNs, range.endNs) }))
  }
  const roundNs = 10 ** Math.ceil(Math.log10(lengthNs))
  const baseNs = Math.floor(range.startNs / roundNs) * roundNs
  const base = momentText(baseNs, roundNs, range.endNs)
  return [
    { atNs: range.startNs, text: base },
    ...atNs.map(at => ({ atNs: at, text: `+${momentText(at - baseNs, stepNs, range.endNs - baseNs)}` })),
  ]
}

/**
 * Ticks by the wall clock, `05:12:33.250` in UTC. `originNs` is the clock at the start, ns since 1970: too large for a
 * number to be exact.
 */
export function clockLabels(range: TimeRange, most: number, originNs: bigint): { atNs: number; text: string }[] {
  const { stepNs, atNs } = ticksOf(range, most)
  const digits = Math.max(0, Math.ceil(9 - Math.log10(stepNs) - 1e-9))
  return atNs.map(at => {
    const epochNs = originNs + BigInt(Math.round(at))
    const time = new Date(Number(epochNs / 1_000_000n)).toISOString().slice(11, 19)
    const fraction = String(epochNs % 1_000_000_000n)
      .padStart(9, '0')
      .slice(0, Math.min(9, digits))
    return { atNs: at, text: fraction === '' ? time : `${time}.${fraction}` }
  })
}

function clockText(atNs: number): string {
  const seconds = Math.round(atNs / 1e9)
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return parts.map(part => String(part).padStart(2, '0')).join(':')
}
