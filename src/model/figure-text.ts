// Figures inside sentences. Tables have their own formats (report/number-text.ts).

export interface Unit {
  name: 'ns' | 'µs' | 'ms' | 's'
  ns: number
}
export const UNITS: readonly [Unit, Unit, Unit, Unit] = [
  { name: 'ns', ns: 1 },
  { name: 'µs', ns: 1e3 },
  { name: 'ms', ns: 1e6 },
  { name: 's', ns: 1e9 },
]

/** The largest unit in which `ns` is at least 1. */
export function unitFor(ns: number): Unit {
  return UNITS.findLast(unit => Math.abs(ns) >= unit.ns) ?? UNITS[0]
}

/** `41 ns`, `1.35 ms`, `104.4 ms`, `50 ms`, `1,204 s`. */
export function durationText(ns: number): string {
  const unit = unitFor(ns)
  const value = ns / unit.ns
  if (unit.name === 'ns') return `${Math.round(value)} ns`
  const digits = value.toFixed(value < 10 ? 2 : value < 1000 ? 1 : 0).replace(/\.0+$/, '')
  return `${grouped(digits)} ${unit.name}`
}

/** `36.5%`; small but not nothing is `<0.1%`. */
export function percentText(ratio: number): string {
  if (ratio > 0 && ratio < 0.0005) return '<0.1%'
  return `${(ratio * 100).toFixed(1)}%`
}

/** `+31.0%`, `−4.5%`, `0.0%`: a share that is added. */
export function addedText(share: number): string {
  const digits = Math.abs(share * 100).toFixed(1)
  return digits === '0.0' ? '0.0%' : `${share < 0 ? '−' : '+'}${grouped(digits)}%`
}

/** By what share something changed, 0.31 for a third more: `+31.0%`, `−4.5%`; from a doubling on `2.40×`. */
export function changeText(change: number): string {
  return change >= 1 ? ratioText(1 + change) : addedText(change)
}

/** `0.50×`, `11.0×`, `1,204×`. */
export function ratioText(ratio: number): string {
  return `${grouped(ratio.toFixed(ratio < 10 ? 2 : ratio < 1000 ? 1 : 0))}×`
}

export function countText(count: number): string {
  return grouped(String(Math.round(count)))
}

/** `1 span`, `2 spans`. */
export function plural(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`
}

export function bytesText(bytes: number): string {
  const steps = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let step = 0
  let value = bytes
  while (Math.abs(value) >= 1024 && step < steps.length - 1) {
    value /= 1024
    step++
  }
  return `${step === 0 ? value.toFixed(0) : value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${steps[step]}`
}

/** In units of 1e9, as links and memories are sold: `12.41 GB/s`; empty for 0. */
export function rateText(bytesPerSecond: number): string {
  return bytesPerSecond > 0 ? `${(bytesPerSecond / 1e9).toFixed(2)} GB/s` : ''
}

/** Thousands separators before the decimal point. */
export function grouped(digits: string): string {
  const [whole = '', fraction] = digits.split('.')
  const spaced = whole.replace(/\B(?=(\d{3})+$)/g, ',')
  return fraction === undefined ? spaced : `${spaced}.${fraction}`
}
