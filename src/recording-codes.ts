// What the small numbers of a recording mean, for this side and for the page: nothing here needs Node.

/** `Role` of binding/core/columns.h. */
export const ROLES = ['op', 'phase', 'instance', 'special', 'copy', 'sample'] as const
export type Role = (typeof ROLES)[number]

/** `Category` of binding/core/columns.h; the index is the bit in the recording gate. */
export const CATEGORIES = [
  'user',
  'section',
  'inference',
  'cpu_op',
  'runtime_api',
  'device',
  'memcpy',
  'sync',
  'overhead',
  'gc',
  'event_loop',
  'request',
] as const
export type Category = (typeof CATEGORIES)[number]

export const GPU_KINDS = ['kernel', 'copy', 'fill', 'sync'] as const
export type GpuKind = (typeof GPU_KINDS)[number]
export const MEMORY_KINDS = ['unknown', 'pageable', 'pinned', 'device', 'array', 'managed', 'peer'] as const
export type MemoryKind = (typeof MEMORY_KINDS)[number]

/** Bits of `RecordingView.spans.flags`. */
export const FLAG_ASYNC = 1
export const FLAG_UNFINISHED = 2
export const FLAG_ERROR = 4
/** Given with both times: may overlap others of its thread. */
export const FLAG_TIMED = 8
export const FLAG_BRACKET = 16

/** Bits of `RecordingView.launches.flags`: its span is the one bracket that was in flight across the call. */
export const LAUNCH_BY_EXCLUSION = 1
/** Likewise: its span is the one that its thread worked for. */
export const LAUNCH_BY_CONTEXT = 2
