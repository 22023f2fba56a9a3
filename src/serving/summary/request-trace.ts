import type { RequestTracePiece } from '../../binding.js'
import { durationText } from '../../model/figure-text.js'
import type { TraceFileFacts } from './read-traces.js'
import { stampName, TRACE_HAS_ID, TRACE_IS_CHILD } from './slots.js'
import { roleOf, TRACE_ROLES, type TraceRole } from './trace-lines.js'

/** One request with all its stamps. */
export interface RequestTrace {
  /** Undefined of the first servers, which wrote none. */
  id: bigint | undefined
  parentId: bigint | undefined
  requestId: string
  /** Empty where the file does not tell. */
  model: string
  version: string
  role: TraceRole
  /** By time; ns of the server's monotonic clock. */
  stamps: { name: string; ns: bigint }[]
}

/** Of a piece that was read with all stamps and request ids. */
export function requestTraceOf(piece: RequestTracePiece, row: number, facts: TraceFileFacts): RequestTrace {
  const flags = piece.flags[row]!
  const stamps: RequestTrace['stamps'] = []
  const end = row + 1 < piece.rows ? piece.stampStarts[row + 1]! : piece.stampNames.length
  for (let at = piece.stampStarts[row]!; at < end; at++) {
    stamps.push({ name: stampName(piece.stampNames[at]!, facts.customNames), ns: piece.stampNs[at]! })
  }
  stamps.sort((a, b) => (a.ns < b.ns ? -1 : a.ns > b.ns ? 1 : 0))
  return {
    id: (flags & TRACE_HAS_ID) === 0 ? undefined : piece.ids[row]!,
    parentId: (flags & TRACE_IS_CHILD) === 0 ? undefined : piece.parentIds[row]!,
    requestId: piece.requestIds[row] ?? '',
    model: facts.models[piece.models[row]!]?.name ?? '',
    version: facts.models[piece.models[row]!]?.version ?? '',
    role: TRACE_ROLES[roleOf(flags)]!,
    stamps,
  }
}

/** The stamps of a request with the time between them, for people. */
export function requestTraceText({ id, parentId, requestId, model, version, role, stamps }: RequestTrace): string {
  const facts = [
    modelText(model, version),
    role,
    ...(id === undefined ? [] : [`id ${id}`]),
    ...(parentId === undefined ? [] : [`parent ${parentId}`]),
    ...(requestId === '' ? [] : [`request ${oneLine(requestId)}`]),
  ]
  const widest = stamps.reduce((width, { name }) => Math.max(width, name.length), 0)
  const lines = stamps.map(({ name, ns }, at) => {
    const since = at === 0 ? '' : `+${durationText(Number(ns - stamps[at - 1]!.ns))}`
    return `  ${oneLine(name).padEnd(widest)}  ${since}`.trimEnd()
  })
  return [facts.join(' · '), ...lines].join('\n')
}

export function modelText(model: string, version: string): string {
  if (model === '') return '(model not told)'
  return version === '' ? oneLine(model) : `${oneLine(model)} (${oneLine(version)})`
}
/** Names come from the network: none may move the cursor of a terminal. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, '\ufffd')
}
