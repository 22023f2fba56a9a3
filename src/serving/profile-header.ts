// How a client asks for the times of a server's stages, and how they come back: in headers, or metadata of gRPC.

/** A client asks with `1`. */
export const PROFILE_HEADER = 'x-opscope-profile'
/** The answer: start and end of each stage in turn, integers, µs since 1970; the last pair is the whole server. */
export const PROFILE_TIMES_HEADER = 'opscope-profile-time'

/** Start and end, µs since 1970. */
export type TimePair = readonly [startUs: number, endUs: number]

// A server has some stages for each of a few models; a header of more is none of ours.
const MAX_PAIRS = 1000

export function wantsProfile(header: unknown): boolean {
  return header === '1'
}

export function formatProfileTimes(pairs: readonly TimePair[]): string {
  return pairs.flat().join(',')
}

/** Undefined for a header that breaks the rules: anything but pairs of whole numbers, each end at or after its start. */
export function parseProfileTimes(header: unknown): TimePair[] | undefined {
  if (typeof header !== 'string' || !/^\d{1,16}(,\d{1,16})*$/.test(header)) return undefined
  const times = header.split(',').map(Number)
  if (times.length % 2 !== 0 || times.length > 2 * MAX_PAIRS) return undefined
  const pairs: TimePair[] = []
  for (let index = 0; index < times.length; index += 2) pairs.push([times[index]!, times[index + 1]!])
  return pairs.every(([startUs, endUs]) => endUs >= startUs) ? pairs : undefined
}
