import { beforeSessionStop, isRecording, onSessionStart } from '../../hooks.js'

let window = 0
let isWatching = false

/** Breakdowns whose twin lives. */
export const openTwins: Set<{ end(): void }> = new Set()

/** Ends every twin: the node rows are added, the memory is freed. */
export function endTwins(): void {
  for (const each of [...openTwins]) each.end()
}

/** Number of the newest profiler session; 0: none was seen, so no stop would end a twin. */
export function currentWindow(): number {
  return window
}

/** Follows the profiler's sessions, from the first call on. */
export function watchWindows(): void {
  if (isWatching) return
  isWatching = true
  if (isRecording()) window = 1
  onSessionStart(() => {
    window++
  })
  beforeSessionStop(endTwins)
}
