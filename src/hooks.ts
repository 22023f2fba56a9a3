import type { TracerOption } from './options.js'

/**
 * What integrations and samplers need of the running sessions, without importing the profiler: it
 * calls the `notify` functions, they subscribe.
 */
const startHooks = new Set<() => void>()
const stopHooks = new Set<() => void>()
let recordingCount = 0
let detail: TracerOption = 'Default'
let notBrokenDown = 0
// Totals of this thread: each session takes what was added since its own start.
const warnings = new Map<string, { code: string; detail: string; count: number }>()
// As they were when the last session stopped: what comes between two sessions is told by the next one.
let told = countsNow()

/** What had been counted at a moment. */
export interface CountsMoment {
  notBrokenDown: number
  warnings: ReadonlyMap<string, number>
}

/** Calls `hook` on this thread whenever a session's window opens here; returns the unsubscriber. */
export function onSessionStart(hook: () => void): () => void {
  startHooks.add(hook)
  return () => startHooks.delete(hook)
}

/** Calls `hook` on this thread before a session's window closes, while it can still record. */
export function beforeSessionStop(hook: () => void): () => void {
  stopHooks.add(hook)
  return () => stopHooks.delete(hook)
}

/** True while this thread's environment has a session. */
export function isRecording(): boolean {
  return recordingCount > 0
}

/** The finest detail that a running session asks for. */
export function currentDetail(): TracerOption {
  return detail
}

/** Counts runs whose inner work could not be listed. */
export function addNotBrokenDown(count: number): void {
  notBrokenDown += count
}

/** Counts trouble of an integration; it reaches `capture.warnings` of the sessions that run. */
export function addWarning(code: string, text: string, count = 1): void {
  const warning = warnings.get(code)
  if (warning === undefined) warnings.set(code, { code, detail: text, count })
  // Of several sessions one after another each has a trouble of its own: the latest text is the last one's.
  else Object.assign(warning, { detail: text, count: warning.count + count })
}

/** A session starts on this thread. Its counts begin at the moment that is returned. */
export function notifyStart(option: TracerOption): CountsMoment {
  if (recordingCount === 0 || option === 'AllOpDetail' || (option === 'OpDetail' && detail === 'Default'))
    detail = option
  const moment = recordingCount === 0 ? told : countsNow()
  recordingCount += 1
  notifyOpen()
  return moment
}

/** A window has opened: at a start, a resume, and after a reset. */
export function notifyOpen(): void {
  for (const hook of startHooks) runHook(hook)
}

/** A window is about to close, at a stop, a pause or a reset, and can still record. */
export function notifyClose(): void {
  for (const hook of stopHooks) runHook(hook)
}

/** A session has stopped; what was counted since its moment. */
export function notifyStopped(since: CountsMoment): {
  notBrokenDown: number
  warnings: { code: string; detail: string; count: number }[]
} {
  recordingCount -= 1
  if (recordingCount === 0) told = countsNow()
  return {
    notBrokenDown: notBrokenDown - since.notBrokenDown,
    warnings: Array.from(warnings.values(), ({ code, detail, count }) => {
      return { code, detail, count: count - (since.warnings.get(code) ?? 0) }
    }).filter(({ count }) => count > 0),
  }
}

/** For a session that forgets what it has, and counts from here. */
export function countsNow(): CountsMoment {
  return { notBrokenDown, warnings: new Map(Array.from(warnings.values(), ({ code, count }) => [code, count])) }
}

/** An integration that fails must not take the program or the session with it. */
function runHook(hook: () => void): void {
  try {
    hook()
  } catch (error) {
    addWarning('integration-failed', error instanceof Error ? error.message : String(error))
  }
}
