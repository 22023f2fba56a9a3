type NumberArray = Float64Array | Uint32Array | Int32Array | Uint8Array | BigUint64Array
type ElementOf<A extends NumberArray> = A extends BigUint64Array ? bigint : number

/** A typed array that grows: importers do not know how many rows a file holds. */
export class Growing<A extends NumberArray> {
  readonly #make: (size: number) => A
  #array: A
  length = 0
  constructor(make: (size: number) => A) {
    this.#make = make
    this.#array = make(64)
  }
  push(value: ElementOf<A>): void {
    if (this.length === this.#array.length) {
      const grown = this.#make(this.length * 2)
      grown.set(this.#array as never)
      this.#array = grown
    }
    this.#array[this.length++] = value as never
  }
  /** The elements that pass, in their order. */
  keep(isKept: (value: ElementOf<A>, index: number) => boolean): void {
    let kept = 0
    for (let i = 0; i < this.length; i++) {
      const value = this.#array[i] as ElementOf<A>
      if (isKept(value, i)) {
        this.#array[kept++] = value as never
      }
    }
    this.length = kept
  }
  get values(): A {
    return this.#array.subarray(0, this.length) as A
  }
}
export const float64 = (): Growing<Float64Array> => new Growing<Float64Array>(size => new Float64Array(size))
export const uint32 = (): Growing<Uint32Array> => new Growing<Uint32Array>(size => new Uint32Array(size))
export const int32 = (): Growing<Int32Array> => new Growing<Int32Array>(size => new Int32Array(size))
export const uint8 = (): Growing<Uint8Array> => new Growing<Uint8Array>(size => new Uint8Array(size))
export const uint64 = (): Growing<BigUint64Array> => new Growing<BigUint64Array>(size => new BigUint64Array(size))

type ValuesOf<T> = { [K in keyof T]: T[K] extends { values: infer A } ? A : never }
export function valuesOf<T extends Record<string, { values: unknown }>>(columns: T): ValuesOf<T> {
  return Object.fromEntries(Object.entries(columns).map(([key, column]) => [key, column.values])) as ValuesOf<T>
}
