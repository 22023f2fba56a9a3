import type { NativeWarning } from '../binding.js'
import { type CaptureMeta, type ReportSource, SORTED_KEYS, type State, type TracerOption } from './ops.js'

export const STATES: readonly State[] = ['CPU', 'GPU', 'All']
export const TRACER_OPTIONS: readonly TracerOption[] = ['Default', 'OpDetail', 'AllOpDetail']

/** Reads the JSON that a recording carries. It may come from a file that anyone wrote: what is not right is left out. */
export function parseMeta(metaJson: string): CaptureMeta {
  const given = parseObject(metaJson)
  const checked: Record<string, unknown> = {
    state: STATES.find(state => state === given.state) ?? 'All',
    tracerOption: TRACER_OPTIONS.find(option => option === given.tracerOption) ?? 'Default',
    sortedKey: SORTED_KEYS.find(key => key === given.sortedKey),
    gpu: gpuMetaOf(given.gpu),
    attributes: attributesOf(given.attributes),
  }
  for (const key of ['spanCostNs', 'notBrokenDown'])
    checked[key] = typeof given[key] === 'number' ? given[key] : undefined
  for (const key of ['clock', 'node', 'opscope', 'host', 'program', 'clockId', 'traceparent'])
    checked[key] = typeof given[key] === 'string' ? given[key] : undefined
  const entries = Object.entries({ ...given, ...checked }).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as CaptureMeta
}

/** Whether GPU activity was recorded, and if not, why. */
export function gpuOf({ meta, gpu }: Pick<ReportSource, 'meta' | 'gpu'>): { available: boolean; reason?: string } {
  const seen = gpu.rows > 0 ? { available: true } : { available: false, reason: 'not-recorded' }
  return { ...(meta.gpu ?? seen) }
}

/** What a warning says, without how often. */
export function warningText({ code, detail }: Pick<NativeWarning, 'code' | 'detail'>): string {
  return detail === '' ? code.replaceAll('-', ' ') : detail
}

/** Warnings of the session, which the native core does not know. */
export function warningsOf(meta: CaptureMeta): NativeWarning[] {
  const given: unknown[] = Array.isArray(meta.warnings) ? meta.warnings : []
  return given.filter((warning): warning is NativeWarning => {
    const { code, detail, count } = (warning ?? {}) as Partial<NativeWarning>
    return typeof code === 'string' && typeof detail === 'string' && typeof count === 'number'
  })
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
  } catch {
    return {}
  }
}
function gpuMetaOf(value: unknown): CaptureMeta['gpu'] {
  const { available, reason } = (value ?? {}) as { available?: unknown; reason?: unknown }
  if (typeof available !== 'boolean') return undefined
  return { available, ...(typeof reason === 'string' ? { reason } : {}) }
}
function attributesOf(value: unknown): CaptureMeta['attributes'] {
  if (typeof value !== 'object' || value === null) return undefined
  const plain = Object.entries(value).filter(([, item]) => ['string', 'number', 'boolean'].includes(typeof item))
  return Object.fromEntries(plain)
}
