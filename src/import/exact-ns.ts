// Chrome traces tell times in µs with decimals. As a double, a µs value of wall-clock size is only
// good to a quarter of a µs, so that such a value is read again from its digits.

/** Above this, µs·1000 is no longer exact in a double. */
const EXACT_BELOW_US = Number.MAX_SAFE_INTEGER / 1000

export function isExactUs(us: number): boolean {
  return us < EXACT_BELOW_US && us > -EXACT_BELOW_US
}

/** Decimal µs text to ns, without going through a double; halves round away from zero. */
export function usTextToNs(text: string): bigint {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)
  if (match === null) {
    return BigInt(Math.round(Number(text) * 1000))
  }
  const [, sign, whole = '', fraction = '', exponent = '0'] = match
  const digits = whole + fraction
  const point = whole.length + Number(exponent) + 3
  const padded = digits.padEnd(point + 1, '0')
  const kept = point <= 0 ? '0' : padded.slice(0, point)
  const rest = point < 0 ? '0' : padded.slice(point)
  const ns = BigInt(kept) + (Number(rest[0]) >= 5 ? 1n : 0n)
  return sign === '-' ? -ns : ns
}

/** The digits of the number that `"<key>":` has in this JSON object, given the value JSON.parse made of it. */
export function numberText(json: string, key: string, value: number): string | undefined {
  for (const match of json.matchAll(new RegExp(`"${key}"\\s*:\\s*"?(-?[\\d.eE+-]+)`, 'g'))) {
    if (Number(match[1]) === value) {
      return match[1]
    }
  }
  return undefined
}

/** Turns the times of one file into ns since a base that the first one sets, so that all are exact. */
export class ExactClock {
  /** What 0 stands for, ns of the file's own clock. */
  baseNs = 0n
  #isBaseSet = false

  ns(us: number, key: string, textOf: () => string): number {
    if (isExactUs(us) && this.baseNs === 0n) {
      this.#isBaseSet = true
      return Math.round(us * 1000)
    }
    const ns = usTextToNs(isExactUs(us) ? String(us) : (numberText(textOf(), key, us) ?? String(us)))
    if (!this.#isBaseSet) {
      this.#isBaseSet = true
      this.baseNs = ns
    }
    return Number(ns - this.baseNs)
  }
}
