import { InvalidArgumentError } from 'commander'

const MS_OF: Record<string, number> = { ms: 1, s: 1000, m: 60_000 }

/** Parser of an option's argument: `500ms`, `2s`, `1.5s`, `1m`; ms. */
export function duration(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text.trim()) ?? []
  const ms = Number(number) * (MS_OF[unit ?? ''] ?? Number.NaN)
  if (!Number.isInteger(ms) || ms < 1) {
    throw new InvalidArgumentError('Expected a time with its unit: 500ms, 2s or 1m.')
  }
  return ms
}
