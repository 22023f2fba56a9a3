import { writeSync } from 'node:fs'

const STDERR = 2
// A reader of a full pipe gets this long to make room; nothing of the program waits for it otherwise.
const PATIENCE_MS = 1_000
const RETRY_MS = 5

/** One line for whoever started the program. */
export function say(text: string): void {
  writeToStderr(`opscope: ${text.split('\n', 1)[0]}\n`)
}

/**
 * To standard error, past `process.stderr`: the program may have replaced or ended that, and an error event of it would
 * change the exit code. Never throws.
 */
export function writeToStderr(text: string): void {
  let rest: Uint8Array = Buffer.from(text)
  const deadline = performance.now() + PATIENCE_MS
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(STDERR, rest))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || performance.now() > deadline) return
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS)
    }
  }
}
