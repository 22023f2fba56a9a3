import type { RequestTracePiece } from '../../binding.js'
import { OpscopeError } from '../../errors.js'
import type { TraceModel } from './read-traces.js'
import { GRPC_WAITREAD_START, SLOT_COUNT } from './slots.js'

export interface TraceFilterOptions {
  /** Only traces of this model: `resnet50`, or with a version `resnet50:3`. */
  model?: string
  /**
   * Only requests that began then or later, with what they led to: ns of the trace's own clock, or a time since the
   * first request of the file, as `10s`, `250ms`, `40us`.
   */
  since?: bigint | string
  /** Only requests that began before. */
  until?: bigint | string
}
export const FILTER_KEYS = ['model', 'since', 'until'] as const

type Moment = { ns: bigint; isRelative: boolean } | undefined

/** Which rows of a file are wanted. */
export class TraceFilter {
  readonly #model: { name: string; version: string | undefined } | undefined
  readonly #since: Moment
  readonly #until: Moment
  #firstNs: bigint | undefined
  readonly #wantedModels: boolean[] = []

  /** @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE */
  constructor({ model, since, until }: TraceFilterOptions) {
    this.#model = model === undefined ? undefined : modelOf(model)
    this.#since = momentOf('since', since)
    this.#until = momentOf('until', until)
  }

  get isOpen(): boolean {
    return this.#model === undefined && this.#since === undefined && this.#until === undefined
  }
  /** Whether the family that begins at this row does so in the time that was asked for. */
  hasTime(piece: RequestTracePiece, first: number): boolean {
    if (this.#since === undefined && this.#until === undefined) return true
    const ns = startOf(piece, first)
    if (ns === undefined) return false
    this.#firstNs ??= ns
    const at = (moment: NonNullable<Moment>) => moment.ns + (moment.isRelative ? this.#firstNs! : 0n)
    if (this.#since !== undefined && ns < at(this.#since)) return false
    return this.#until === undefined || ns < at(this.#until)
  }
  hasModel(model: number, models: readonly TraceModel[]): boolean {
    if (this.#model === undefined) return true
    if (model < 0) return false
    this.#wantedModels[model] ??= this.#isWanted(models[model]!)
    return this.#wantedModels[model]!
  }
  #isWanted({ name, version }: TraceModel): boolean {
    const wanted = this.#model!
    return name === wanted.name && (wanted.version === undefined || version === wanted.version)
  }
}

/** The first stamp; a wait for a request is not yet the request. */
export function startOf({ stamps, bases }: RequestTracePiece, row: number): bigint | undefined {
  let least = Number.POSITIVE_INFINITY
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const ns = stamps[row * SLOT_COUNT + slot]!
    if (slot !== GRPC_WAITREAD_START && ns < least) least = ns
  }
  return Number.isFinite(least) ? bases[row]! + BigInt(least) : undefined
}

function modelOf(text: unknown): { name: string; version: string | undefined } {
  if (typeof text !== 'string' || text === '') {
    throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', 'Expected the "model" option to be NAME or NAME:VERSION.')
  }
  const [, name = text, version] = /^(.*):(-?\d+)$/s.exec(text) ?? []
  return { name, version }
}

const UNITS: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, min: 60e9, h: 3600e9 }
function momentOf(option: string, value: unknown): Moment {
  if (value === undefined) return undefined
  if (typeof value === 'bigint') return { ns: value, isRelative: false }
  const [, digits, unit] = /^(\d+(?:\.\d+)?)([a-zµ]*)$/.exec(String(value)) ?? []
  if (typeof value === 'string' && digits !== undefined) {
    if (unit === '' && !digits.includes('.')) return { ns: BigInt(digits), isRelative: false }
    const nsOfUnit = UNITS[unit ?? '']
    if (nsOfUnit !== undefined) return { ns: BigInt(Math.round(Number(digits) * nsOfUnit)), isRelative: true }
  }
  throw new OpscopeError(
    'ERR_OPSCOPE_OPTION_VALUE',
    `Expected the "${option}" option to be a time, got ${typeof value === 'string' ? JSON.stringify(value) : typeof value}.`,
    'Since the first request: 10s, 250ms, 40us. On the clock of the trace: whole ns.',
  )
}
