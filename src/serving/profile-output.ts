import { openSync, writeSync } from 'node:fs'

import { OpscopeError } from '../errors.js'
import { writeError } from '../export/output.js'
import { addWarning } from '../hooks.js'
import { say } from '../notice.js'

/** Where stage lines go: a stream of the process, a file that they are appended to, or a function. */
export type ProfileOutput = 'stdout' | 'stderr' | (string & {}) | ((line: string) => void)

const STDOUT = 1
const STDERR = 2
const LINE_FEED = 0x0a
/** The reader of a full pipe gets this long to make room for a line; after that lines are lost until there is room. */
const PATIENCE_MS = 100
const RETRY_MS = 1

const outputs = new Set<LineOutput>()

/**
 * One write for each line, so that the lines of several processes with one file or pipe stay whole. Never throws into
 * the program: lines that cannot be written are counted, told once, and told again with their number at the exit.
 */
export class LineOutput {
  lostCount = 0
  #reason = ''
  #isPatient = true
  /** A line that was cut off has no line feed: the next one begins with it. */
  #isCut = false
  #fd: number | undefined
  readonly #output: ProfileOutput

  /** @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE */
  constructor(output: ProfileOutput) {
    if (typeof output !== 'function' && (typeof output !== 'string' || output === '')) {
      throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', 'Expected "stdout", "stderr", a path or a function as output.')
    }
    this.#output = output
    if (output === 'stdout') this.#fd = STDOUT
    if (output === 'stderr') this.#fd = STDERR
  }

  /** Opens a file now rather than with the first line. @throws OpscopeError ERR_OPSCOPE_FILE_WRITE */
  open(): void {
    if (typeof this.#output === 'function') return
    try {
      this.#opened(this.#output)
    } catch (error) {
      throw writeError(this.#output, error)
    }
  }

  write(line: string): void {
    try {
      if (typeof this.#output === 'function') this.#output(line)
      else this.#append(this.#opened(this.#output), line)
      this.#isPatient = true
    } catch (error) {
      this.#lose(error)
    }
  }

  #opened(path: string): number {
    this.#fd ??= openSync(path, 'a')
    return this.#fd
  }
  #append(fd: number, line: string): void {
    const bytes = Buffer.from(this.#isCut ? `\n${line}` : line)
    const deadline = performance.now() + PATIENCE_MS
    let written = 0
    try {
      while (written < bytes.length) {
        try {
          written += writeSync(fd, bytes, written)
        } catch (error) {
          const canWait = (error as NodeJS.ErrnoException).code === 'EAGAIN' && this.#isPatient
          if (!canWait || performance.now() > deadline) throw error
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS)
        }
      }
    } finally {
      if (written > 0) this.#isCut = bytes[written - 1] !== LINE_FEED
    }
  }

  #lose(error: unknown): void {
    this.#isPatient = false
    const { code, message } = error as NodeJS.ErrnoException
    const reason = code ?? message ?? String(error)
    addWarning('stage-lines-lost', `stage lines could not be written: ${reason}`)
    this.lostCount += 1
    this.#reason = reason
    if (this.lostCount > 1) return
    say(`Stage lines are lost, as they cannot be written: ${reason}`)
    if (outputs.size === 0) process.once('exit', tellLost)
    outputs.add(this)
  }

  get lossText(): string {
    return `${lostCountText(this.lostCount)} lost: ${this.#reason}`
  }
}

function lostCountText(count: number): string {
  return count === 1 ? '1 stage line was' : `${count} stage lines were`
}
function tellLost(): void {
  for (const output of outputs) say(output.lossText)
}
