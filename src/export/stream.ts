// The file that a recording goes to while it goes on. Perfetto and Chrome traces grow in their own place; for a
// format that cannot grow, or is packed, a Perfetto trace beside it is what is left of a process that is killed.
import { closeSync, openSync, rmSync } from 'node:fs'

import { native } from '../binding.js'
import { type Output, writeError } from './output.js'

export interface Stream {
  readonly path: string
  /** Whoever starts the session takes it over. */
  readonly fd: number
  readonly format: 'perfetto' | 'chrome'
  /** Whether the file at the output's own place is this one, to be replaced by the complete one. */
  readonly isInPlace: boolean
  /** Whether there was no such file before. */
  readonly isNew: boolean
  /** Whether another recording goes there, of any process: two would destroy each other, so this one is to be discarded. */
  readonly isTaken: boolean
}

/**
 * Opens the file, and leaves it as it is until the session starts. Undefined where there can be none: pipes and
 * devices take no second version of a trace, and some directories no second file.
 * @throws OpscopeError ERR_OPSCOPE_FILE_WRITE
 */
export function openStream(output: Output): Stream | undefined {
  const canGrow = output.format === 'perfetto' || output.format === 'chrome'
  const isInPlace = canGrow && !output.gzip
  if (output.isSpecial || (output.isDirect && !isInPlace)) return undefined
  const format = isInPlace && output.format === 'chrome' ? 'chrome' : 'perfetto'
  const path = isInPlace ? output.target : `${output.target}.partial.pftrace`
  try {
    const file = openKept(path, output.mode)
    return { path, isInPlace, format, ...file, isTaken: !native().lockFile(file.fd) }
  } catch (error) {
    throw writeError(path, error)
  }
}

// To be read as well: a long recording is in the file alone.
function openKept(path: string, mode: number): Pick<Stream, 'fd' | 'isNew'> {
  try {
    return { fd: openSync(path, 'wx+', mode), isNew: true }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return { fd: openSync(path, 'r+'), isNew: false }
  }
}

/** Nothing is recorded after all: everything is as it was. */
export function discardStream({ path, fd, isNew, isTaken }: Stream): void {
  closeSync(fd)
  if (isNew && !isTaken) rmSync(path, { force: true })
}

/** After the complete file was written, at this output. */
export function removeStream(stream: Stream, written: Output): void {
  if (stream.path !== written.target) rmSync(stream.path, { force: true })
}
