import type { NativeWarning } from '../binding.js'
import { STATES, TRACER_OPTIONS } from './capture-meta.js'
import type { CaptureMeta, TracerOption } from './ops.js'

/** What a merge knows of one of its captures. */
export interface MetaPart {
  /** As messages name it: the path of its file. */
  label: string
  meta: CaptureMeta
  spanCount: number
}

const SHARED = ['opscope', 'node', 'platform', 'sortedKey', 'clock', 'host', 'clockId', 'bufferMB', 'attribution']

/** What holds for all captures of a merge; where they differ, the wider choice, or nothing. */
export function mergedMeta(parts: readonly MetaPart[], warnings: NativeWarning[]): CaptureMeta {
  const metas = parts.map(({ meta }) => meta)
  const shared = SHARED.map(key => [key, sharedValue(metas.map(meta => meta[key]))] as const)
  const states = metas.map(meta => meta.state)
  const details = metas.map(meta => TRACER_OPTIONS.indexOf(meta.tracerOption))
  const state = sharedValue(states) ?? 'All'
  return {
    ...Object.fromEntries(shared.filter(([, value]) => value !== undefined)),
    state: STATES.includes(state) ? state : 'All',
    tracerOption: TRACER_OPTIONS[Math.max(...details)] as TracerOption,
    attributes: sharedAttributes(metas),
    ...spanCost(parts),
    ...gpuOf(metas),
    ...notBrokenDown(metas),
    warnings,
  }
}

/** Warnings that the captures were not recorded alike: their figures do not compare without a second thought. */
export function differences(parts: readonly MetaPart[]): NativeWarning[] {
  const warnings: NativeWarning[] = []
  const textOf = (key: 'state' | 'tracerOption' | 'opscope') => {
    const labels = new Map<string, string[]>()
    for (const { meta, label } of parts) {
      const value = meta[key]
      if (value !== undefined) labels.set(value, [...(labels.get(value) ?? []), label])
    }
    if (labels.size < 2) return undefined
    return [...labels].map(([value, [first, ...more]]) => {
      return `${value} in ${first}${more.length > 0 ? ` and ${more.length} more` : ''}`
    })
  }
  for (const key of ['state', 'tracerOption'] as const) {
    const text = textOf(key)
    if (text === undefined) continue
    warnings.push({ code: 'options-differ', detail: `${key} is ${text.join(', ')}`, count: text.length })
  }
  const versions = textOf('opscope')
  if (versions !== undefined) {
    const detail = `recorded by opscope ${versions.join(', ')}`
    warnings.push({ code: 'versions-differ', detail, count: versions.length })
  }
  return warnings
}

function sharedValue<T>(values: readonly T[]): T | undefined {
  return values.every(value => value === values[0]) ? values[0] : undefined
}
function sharedAttributes(metas: readonly CaptureMeta[]): NonNullable<CaptureMeta['attributes']> {
  const entries = Object.entries(metas[0]?.attributes ?? {})
  return Object.fromEntries(entries.filter(([key, value]) => metas.every(meta => meta.attributes?.[key] === value)))
}
/** So that cost times spans is what the spans of all cost together. */
function spanCost(parts: readonly MetaPart[]): { spanCostNs?: number } {
  const known = parts.filter(({ meta }) => meta.spanCostNs !== undefined)
  const spans = known.reduce((sum, { spanCount }) => sum + spanCount, 0)
  if (spans === 0) return {}
  return { spanCostNs: known.reduce((sum, { meta, spanCount }) => sum + meta.spanCostNs! * spanCount, 0) / spans }
}
function gpuOf(metas: readonly CaptureMeta[]): { gpu?: NonNullable<CaptureMeta['gpu']> } {
  const known = metas.flatMap(({ gpu }) => gpu ?? [])
  const gpu = known.find(({ available }) => available) ?? known[0]
  return gpu === undefined ? {} : { gpu }
}
function notBrokenDown(metas: readonly CaptureMeta[]): { notBrokenDown?: number } {
  const count = metas.reduce((sum, meta) => sum + (meta.notBrokenDown ?? 0), 0)
  return count === 0 ? {} : { notBrokenDown: count }
}
