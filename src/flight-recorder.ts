// When a flight recorder writes what it keeps, beside its user's calls: at a signal, and after a slow span.
import { existsSync } from 'node:fs'

import { OpscopeError } from './errors.js'
import { beforeSuffix } from './export/index.js'
import type { ResolvedOptions } from './options.js'
import { onSignal } from './pause-signal.js'

/** What a dump was made for: kept among the attributes of its capture. */
export type DumpReason = Readonly<Record<string, string | number>>

/** What a flight recorder needs of its session. */
export interface FlightSession {
  /** The slowest span since the last call. */
  takeSlowSpan(): { name: string; durationNs: number } | null
  dump(reason: DumpReason): Promise<unknown>
}

/**
 * Whether the options make a flight recorder.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE for options of one without `keepMs`, or with nowhere to write to.
 */
export function isFlightRecorder({ keepMs, slowMs, dumpSignal, profilePath }: ResolvedOptions): boolean {
  const trigger = slowMs !== undefined ? 'slowMs' : dumpSignal !== false ? 'dumpSignal' : undefined
  if (trigger !== undefined && keepMs === undefined) {
    throw new OpscopeError(
      'ERR_OPSCOPE_OPTION_VALUE',
      `The "${trigger}" option belongs to a flight recorder.`,
      'Set "keepMs" to how much it keeps.',
    )
  }
  if (trigger !== undefined && profilePath === undefined) {
    throw new OpscopeError(
      'ERR_OPSCOPE_OPTION_VALUE',
      `The "${trigger}" option needs a place to write to.`,
      'Set "profilePath".',
    )
  }
  return keepMs !== undefined
}

/** Dumps as the options say, until the returned function is called. Trouble is a process warning: nobody awaits it. */
export function watchFlight(session: FlightSession, options: ResolvedOptions): () => void {
  const { dumpSignal, slowMs, keepMs = 0, flushMs } = options
  let isDumping = false
  let lastDumpMs = Number.NEGATIVE_INFINITY
  const dump = (reason: DumpReason) => {
    if (isDumping) return
    isDumping = true
    lastDumpMs = performance.now()
    session
      .dump(reason)
      .catch(error => process.emitWarning(error))
      .finally(() => {
        isDumping = false
      })
  }
  const look = () => {
    const slow = session.takeSlowSpan()
    // Sooner than that, the windows of two dumps would hold the same.
    if (slow === null || performance.now() - lastDumpMs < keepMs) return
    dump({ 'dump.reason': 'slow', 'dump.span': slow.name, 'dump.durationMs': slow.durationNs / 1e6 })
  }
  const stopListening = dumpSignal === false ? () => {} : onSignal(dumpSignal, () => dump({ 'dump.reason': 'signal' }))
  const timer = slowMs === undefined ? undefined : setInterval(look, Math.max(flushMs, 10)).unref()
  return () => {
    stopListening()
    clearInterval(timer)
  }
}

/** `trace.1.pftrace`, or the next number that no file has. */
export function nextDumpPath(profilePath: string, last: number): { path: string; number: number } {
  let number = last + 1
  while (existsSync(beforeSuffix(profilePath, String(number)))) number++
  return { path: beforeSuffix(profilePath, String(number)), number }
}
