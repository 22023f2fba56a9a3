import { InvalidArgumentError } from 'commander'

/** Parser of an option's argument: `3%` or `0.03`. */
export function share(text: string): number {
  const [, number, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim()) ?? []
  if (number === undefined) throw new InvalidArgumentError('Expected a share: 3% or 0.03.')
  return percent === '%' ? Number(number) / 100 : Number(number)
}
