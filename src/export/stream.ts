// The file that a recording goes to while it goes on. A Perfetto trace grows in its own place; for a format that
// cannot grow, or is packed, a Perfetto trace beside it is what is left of a process that is killed.
import { openSync, rmSync } from 'node:fs'

import { type Output, writeError } from './output.js'

export interface Stream {
  readonly path: string
  /** Whoever starts the session takes it over. */
  readonly fd: number
  /** Whether the file at the output's own place is this one, to be replaced by the complete one. */
  readonly isInPlace: boolean
}

/**
 * Begins the file; undefined where there can be none: pipes and devices take no second version of a trace.
 * @throws OpscopeError ERR_OPSCOPE_FILE_WRITE
 */
export function openStream(output: Output): Stream | undefined {
  if (output.isSpecial) return undefined
  const isInPlace = output.format === 'perfetto' && !output.gzip
  const path = isInPlace ? output.target : `${output.target}.partial.pftrace`
  try {
    // To be read as well: a long recording is in the file alone.
    return { path, fd: openSync(path, 'w+', output.mode), isInPlace }
  } catch (error) {
    throw writeError(path, error)
  }
}

/** After the complete file was written, at this output. */
export function removeStream(stream: Stream, written: Output): void {
  if (stream.path !== written.target) rmSync(stream.path, { force: true })
}
