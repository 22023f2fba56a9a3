import type { ReportSource } from '../ops.js'
import { hasGpuTime } from '../quality.js'
import type { Basis } from './recorded-calls.js'

/** What both sides recorded, or why they have nothing to compare. */
export type CommonBasis = { basis: Basis; notes: string[] } | { reason: string }

/** Host time unless a side was recorded with state GPU, GPU time unless one has none. */
export function commonBasis(before: readonly ReportSource[], after: readonly ReportSource[]): CommonBasis {
  const sides = [before, after].map(sources => ({
    hasHost: sources.every(({ meta }) => meta.state !== 'GPU'),
    hasGpu: sources.every(source => source.meta.state !== 'CPU' && hasGpuTime(source)),
    state: sources[0]?.meta.state ?? 'All',
    reason: sources.find(({ meta }) => meta.gpu?.available === false)?.meta.gpu?.reason,
  }))
  const [one, other] = sides as [(typeof sides)[0], (typeof sides)[0]]
  const hasHost = one.hasHost && other.hasHost
  const hasGpu = one.hasGpu && other.hasGpu
  if (!hasHost && !hasGpu) {
    const text = ({ state, hasGpu: has }: (typeof sides)[0]) =>
      has || state === 'CPU' ? state : `${state}, no GPU time`
    return { reason: `before was recorded with state ${text(one)}, after with state ${text(other)}` }
  }
  const notes: string[] = []
  if (one.hasGpu !== other.hasGpu) {
    const missing = one.hasGpu ? other : one
    const why = missing.reason === undefined ? '' : ` (${missing.reason})`
    notes.push(
      `Only ${one.hasGpu ? 'before' : 'after'} has GPU time, ${one.hasGpu ? 'after' : 'before'} has none${why}: host time is compared.`,
    )
  }
  if (hasHost && one.state !== other.state) {
    notes.push(`Recorded with states ${one.state} and ${other.state}: what both have is compared.`)
  }
  return { basis: hasHost && hasGpu ? 'all' : hasHost ? 'cpu' : 'gpu', notes }
}
