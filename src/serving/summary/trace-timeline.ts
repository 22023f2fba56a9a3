// Requests as a Chrome trace: a process for each model, a thread for each trace, arrows to what a request led to. Written
// as the traces come, since a file may have more of them than memory has room for.
import type { RequestTracePiece } from '../../binding.js'
import { EventText } from '../../export/event-text.js'
import type { TraceFileFacts, TraceModel } from './read-traces.js'
import { modelText } from './request-trace.js'
import { SLOT_COUNT, TRACE_ABSENT, TRACE_HAS_ID } from './slots.js'
import {
  FRONT_END_INTERVALS,
  HANDLER,
  HANDLER_INTERVALS,
  LINES,
  REQUEST,
  roleOf,
  TRACE_ROLES,
  WAIT_READ,
} from './trace-lines.js'

interface Slice {
  name: string
  startNs: number
  endNs: number
}

export class TraceTimeline {
  readonly #text: EventText
  #originNs: bigint | undefined
  readonly #named: boolean[] = []

  constructor(fd: number) {
    this.#text = new EventText(fd)
  }

  add(piece: RequestTracePiece, row: number, { models }: TraceFileFacts): void {
    const { flags, ids, bases } = piece
    if ((flags[row]! & TRACE_ABSENT) !== 0) return
    const slices = nested(slicesOf(piece, row, models))
    const [outer] = slices
    if (outer === undefined) return
    this.#originNs ??= bases[row]! + BigInt(outer.startNs)
    const shift = Number(bases[row]! - this.#originNs)
    const model = piece.models[row]!
    const pid = model + 1 // 0 is the process of traces without a model
    const tid = (flags[row]! & TRACE_HAS_ID) === 0 ? 0 : Number(ids[row])
    if (!this.#named[pid]) {
      this.#named[pid] = true
      const name = modelText(models[model]?.name ?? '', models[model]?.version ?? '')
      this.#event({ ph: 'M', name: 'process_name', pid, tid: 0, args: { name } })
    }
    for (const [at, { name, startNs, endNs }] of slices.entries()) {
      const args = at === 0 ? { args: this.#argsOf(piece, row) } : {}
      this.#event({ ph: 'X', name, cat: 'request', pid, tid, ...args }, { ts: startNs + shift, dur: endNs - startNs })
    }
    const parent = piece.parentRows[row]!
    if (parent >= 0 && (flags[parent]! & TRACE_ABSENT) === 0) {
      const from = { pid: piece.models[parent]! + 1, tid: Number(ids[parent]) }
      const flow = { name: 'child', cat: 'request', id: tid }
      this.#event({ ph: 's', ...flow, ...from }, { ts: outer.startNs + shift })
      this.#event({ ph: 'f', bp: 'e', ...flow, pid, tid }, { ts: outer.startNs + shift })
    }
  }

  #argsOf(piece: RequestTracePiece, row: number): Record<string, string> {
    const requestId = piece.requestIds[row] ?? ''
    return { role: TRACE_ROLES[roleOf(piece.flags[row]!)]!, ...(requestId === '' ? {} : { request_id: requestId }) }
  }

  // ns as µs with three decimals: a double of µs would lose the last ones after days.
  #event(event: Record<string, unknown>, times: Record<string, number> = {}): void {
    const plain = JSON.stringify(event)
    const timed = Object.entries(times).map(([key, ns]) => `,"${key}":${microseconds(ns)}`)
    this.#text.add(`${plain.slice(0, -1)}${timed.join('')}}`)
  }
  /** How many bytes it took. */
  end(): number {
    return this.#text.end()
  }
}

function slicesOf({ flags, stamps, models }: RequestTracePiece, row: number, names: readonly TraceModel[]): Slice[] {
  const role = roleOf(flags[row]!)
  const frontEnd = FRONT_END_INTERVALS[role]!
  const slices: Slice[] = []
  for (const [line, start, end] of [...frontEnd, ...HANDLER_INTERVALS]) {
    // An idle wait would hide everything else on the row.
    if (line === WAIT_READ) continue
    const startNs = stamps[row * SLOT_COUNT + start]!
    const endNs = stamps[row * SLOT_COUNT + end]!
    if (!(endNs >= startNs)) continue
    const label = line === REQUEST ? `${TRACE_ROLES[role]} request` : LINES[line]!.label
    const isOuter = line === HANDLER && frontEnd.length === 0
    slices.push({ name: isOuter ? (names[models[row]!]?.name ?? label) : label, startNs, endNs })
  }
  return slices
}

/** By start, the longer first; what would stick out of the slice that it began in ends with it. */
function nested(slices: Slice[]): Slice[] {
  slices.sort((a, b) => a.startNs - b.startNs || b.endNs - a.endNs)
  const open: Slice[] = []
  for (const slice of slices) {
    while (open.length > 0 && open.at(-1)!.endNs <= slice.startNs) open.pop()
    const outer = open.at(-1)
    if (outer !== undefined) slice.endNs = Math.min(slice.endNs, outer.endNs)
    open.push(slice)
  }
  return slices
}

function microseconds(ns: number): string {
  const sign = ns < 0 ? '-' : ''
  const whole = Math.abs(ns)
  return `${sign}${Math.floor(whole / 1000)}.${String(whole % 1000).padStart(3, '0')}`
}
