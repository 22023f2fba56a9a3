import { OpscopeError } from './errors.js'
import { nameHint } from './nearest-name.js'

export function rowsError(message: string, hint?: string): OpscopeError {
  return new OpscopeError('ERR_OPSCOPE_ROWS', message, hint)
}

/** Reads the fields of one plain row; every complaint names the row and the field. */
export class RowChecker {
  readonly value: Record<string, unknown>
  constructor(
    readonly path: string,
    value: unknown,
  ) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw rowsError(`${path} is not an object but ${describe(value)}.`)
    }
    this.value = value as Record<string, unknown>
  }

  error(field: string, complaint: string, hint?: string): OpscopeError {
    return rowsError(`${this.#name(field)} ${complaint}.`, hint)
  }

  keys(known: readonly string[]): this {
    for (const key of Object.keys(this.value)) {
      if (!known.includes(key)) {
        throw rowsError(`${this.#name(key)} is not a known field.`, nameHint(key, known))
      }
    }
    return this
  }
  inner(field: string): RowChecker {
    return new RowChecker(this.#name(field), this.value[field])
  }

  text(field: string, fallback?: string): string {
    const value = this.value[field] ?? fallback
    if (typeof value !== 'string' || (value === '' && fallback === undefined)) {
      throw this.#unexpected(field, 'a non-empty string')
    }
    return value
  }
  flag(field: string): boolean {
    const value = this.value[field] ?? false
    if (typeof value !== 'boolean') {
      throw this.#unexpected(field, 'true or false')
    }
    return value
  }
  number(field: string): number {
    const value = this.value[field]
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      throw this.#unexpected(field, 'a finite number')
    }
    return value
  }
  integer(field: string, fallback?: number): number {
    const value = this.value[field] ?? fallback
    if (!Number.isSafeInteger(value)) {
      throw this.#unexpected(field, 'a whole number')
    }
    return value as number
  }
  count(field: string, fallback?: number, most: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.value[field] ?? fallback
    if (!Number.isSafeInteger(value) || (value as number) < 0 || (value as number) > most) {
      throw this.#unexpected(
        field,
        most === Number.MAX_SAFE_INTEGER ? 'a whole number from 0' : `a whole number from 0 to ${most}`,
      )
    }
    return value as number
  }
  /** Three counts: x, y and z. */
  counts3(field: string, most: number): [number, number, number] {
    const value = this.value[field]
    const isCount = (each: unknown) => Number.isSafeInteger(each) && (each as number) >= 0 && (each as number) <= most
    if (!Array.isArray(value) || value.length !== 3 || !value.every(isCount)) {
      throw this.#unexpected(field, `three whole numbers from 0 to ${most}`)
    }
    return value as [number, number, number]
  }
  id(field: string, fallback?: bigint): bigint {
    const value = this.value[field] ?? fallback
    if (typeof value === 'bigint' && value >= 0n && value < 1n << 64n) {
      return value
    }
    if (Number.isSafeInteger(value) && (value as number) >= 0) {
      return BigInt(value as number)
    }
    throw this.#unexpected(field, 'a whole number or bigint from 0')
  }
  hex(field: string, digits: number, fallback?: bigint): bigint {
    const value = this.value[field]
    if (value === undefined && fallback !== undefined) {
      return fallback
    }
    if (typeof value !== 'string' || value.length > digits || !/^[0-9a-f]+$/i.test(value) || /^0+$/.test(value)) {
      throw this.#unexpected(field, `up to ${digits} hex digits, not all zero`)
    }
    return BigInt(`0x${value}`)
  }
  oneOf<T extends string>(field: string, known: readonly T[], fallback?: T): T {
    const value = this.value[field] ?? fallback
    if (!known.includes(value as T)) {
      throw this.#unexpected(
        field,
        `one of ${known.join(', ')}`,
        typeof value === 'string' ? nameHint(value, known) : undefined,
      )
    }
    return value as T
  }
  /** `open-ended`: an `endNs` of null is a span still open at the end, NaN here. */
  interval(isOpenEnded?: 'open-ended'): { startNs: number; endNs: number } {
    const startNs = this.count('startNs')
    if (isOpenEnded !== undefined && this.value.endNs === null) {
      return { startNs, endNs: Number.NaN }
    }
    const endNs = this.count('endNs')
    if (endNs < startNs) {
      throw this.error('endNs', `is ${endNs}, before startNs ${startNs}`)
    }
    return { startNs, endNs }
  }

  #name(field: string): string {
    return this.path === '' ? field : `${this.path}.${field}`
  }
  #unexpected(field: string, expected: string, hint?: string): OpscopeError {
    return this.error(field, `should be ${expected}, but is ${describe(this.value[field])}`, hint)
  }
}

/** Visits the rows of one table of plain rows, each with known keys only. */
export function eachRow<Rows extends object>(
  rows: Rows,
  table: keyof Rows & string,
  keys: readonly string[],
  add: (check: RowChecker, row: Record<string, unknown>) => void,
): void {
  const given: unknown = rows[table]
  if (given === undefined) {
    return
  }
  if (!Array.isArray(given)) {
    throw rowsError(`${table} is not an array.`)
  }
  for (let index = 0; index < given.length; index++) {
    const check = new RowChecker(`${table}[${index}]`, given[index]).keys(keys)
    add(check, check.value)
  }
}

function describe(value: unknown): string {
  if (value === undefined) {
    return 'missing'
  }
  if (value === null) {
    return 'null'
  }
  if (Array.isArray(value)) {
    return 'an array'
  }
  return typeof value === 'object'
    ? 'an object'
    : typeof value === 'bigint'
      ? `${value}n`
      : (JSON.stringify(value) ?? typeof value)
}
