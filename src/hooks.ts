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
const pendingWarnings = new Map<string, { code: string; detail: string; count: number }>()

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

/** Counts trouble of an integration; it reaches `capture.warnings` of the session that runs. */
export function addWarning(code: string, text: string, count = 1): void {
  const warning = pendingWarnings.get(code)
  if (warning === undefined) pendingWarnings.set(code, { code, detail: text, count })
  else warning.count += count
}

/** A session starts on this thread. */
export function notifyStart(option: TracerOption): void {
  if (recordingCount === 0 || option === 'AllOpDetail' || (option === 'OpDetail' && detail === 'Default'))
    detail = option
  recordingCount += 1
  notifyOpen()
}

/** A window has opened: at a start, a resume, and after a reset. */
export function notifyOpen(): void {
  for (const hook of startHooks) runHook(hook)
}

/** A window is about to close, at a stop, a pause or a reset, and can still record. */
export function notifyClose(): void {
  for (const hook of stopHooks) runHook(hook)
}

/** A session has stopped. */
export function notifyStopped(): void {
  recordingCount -= 1
}

/** What was counted since the last call. */
export function takeCounts(): { notBrokenDown: number; warnings: { code: string; detail: string; count: number }[] } {
  const counts = { notBrokenDown, warnings: [...pendingWarnings.values()] }
  notBrokenDown = 0
  pendingWarnings.clear()
  return counts
}

/** An integration that fails must not take the program or the session with it. */
function runHook(hook: () => void): void {
  try {
    hook()
  } catch (error) {
    addWarning('integration-failed', error instanceof Error ? error.message : String(error))
  }
}
