import type { ProcessEntry, RecordingView } from '../binding.js'
import { parseMeta } from './capture-meta.js'
import { countText, plural } from './figure-text.js'
import type { CaptureMeta } from './ops.js'

/** A process of a capture; a plain capture has one. */
export interface CaptureProcess {
  /** Name of the machine, or of the container; empty: unknown. */
  host: string
  /** The system's number; 0: unknown. Hosts may share numbers. */
  pid: number
  /** The file that it ran; empty: unknown. */
  name: string
  /** When its session began, since the start of the capture. */
  startNs: number
  /** Length of its session, pauses included. */
  durationNs: number
  /** Wall clock at the start of its session, as it read it itself, ns since the Unix epoch; 0n: unknown. */
  originEpochNs: bigint
  /** Spans that found no room. */
  dropped: number
  /** Attributes of its session. */
  attributes: Record<string, string | number | boolean>
}

/** The processes of a recording as it has them, with what TypeScript told of each; one at least. */
export function processEntries(view: RecordingView, meta: CaptureMeta): (ProcessEntry & { meta: CaptureMeta })[] {
  if (view.processes.length > 0) return view.processes.map(entry => ({ ...entry, meta: parseMeta(entry.metaJson) }))
  const { processId: id, durationNs, originEpochNs, originClockNs, dropped, metaJson } = view
  const { host = '', program: name = '' } = meta
  const own = { host, name, id, startNs: 0, durationNs, originEpochNs, originClockNs, dropped, metaJson }
  return [{ ...own, firstContext: 0, meta }]
}

export function processRows(view: RecordingView, meta: CaptureMeta): CaptureProcess[] {
  return processEntries(view, meta).map(({ host, id, name, startNs, durationNs, originEpochNs, dropped, meta }) => {
    return { host, pid: id, name, startNs, durationNs, originEpochNs, dropped, attributes: { ...meta.attributes } }
  })
}

/** `3 processes on 2 hosts`, and where one has several sessions `3 sessions of 2 processes on 1 host`. */
export function placesText(processes: readonly { host: string; pid: number }[]): string {
  const hosts = new Set(processes.map(({ host }) => host)).size
  const known = new Set(processes.map(({ host, pid }, index) => (pid === 0 ? `${index}` : `${pid} ${host}`))).size
  const text = `${countText(known)} ${known === 1 ? 'process' : 'processes'} on ${plural(hosts, 'host')}`
  return known === processes.length ? text : `${plural(processes.length, 'session')} of ${text}`
}

/** Of a GPU row or allocation of a merged recording. */
export function processOfContext(processes: readonly ProcessEntry[], context: number): number {
  return Math.max(
    0,
    processes.findLastIndex(({ firstContext }) => firstContext <= context),
  )
}
