import { InvalidArgumentError } from 'commander'

/** Parser of an option's argument. */
export function positiveInteger(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value <= 0) {
    throw new InvalidArgumentError('Expected a positive whole number.')
  }
  return value
}
