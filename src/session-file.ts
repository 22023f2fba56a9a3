// Where a session's recording goes: its file while it goes on, the complete one at the stop, and its dumps.
import type { NativeWarning, SessionStart } from './binding.js'
import { Capture } from './capture.js'
import {
  discardStream,
  type Output,
  openOutput,
  openStream,
  outputWithoutScript,
  packedPath,
  removeStream,
  type Stream,
  suffixOf,
} from './export/index.js'
import { nextDumpPath } from './flight-recorder.js'
import type { ResolvedOptions } from './options.js'

type FileStart = Pick<
  SessionStart,
  'path' | 'format' | 'streamFd' | 'streamFormat' | 'streamPath' | 'streamSuffix' | 'maxFileBytes'
>

/** Told when a recording is safe in memory and its file could not be written. */
export type OnTrouble = (warning: NativeWarning) => void

// Chrome's viewer gives up at 256 MB; and what a Chrome trace holds stays in memory too, until it is full.
const MAX_FILE_MB = { perfetto: 1024, chrome: 200 }

export class SessionFile {
  readonly #maxFileMB: number | undefined
  readonly #output: Output | undefined
  #stream: Stream | undefined
  #dumpCount = 0

  /**
   * Opens what must be open before anything is recorded, and changes nothing yet.
   * @throws OpscopeError ERR_OPSCOPE_FILE_WRITE, ERR_OPSCOPE_OPTION_VALUE
   */
  constructor({ profilePath, format, compress, flushMs, maxFileMB }: ResolvedOptions, canStream: boolean) {
    this.#maxFileMB = maxFileMB
    if (profilePath === undefined) return
    const path = compress === 'gzip' ? packedPath(profilePath, format) : profilePath
    this.#output = openOutput(path, format === undefined ? {} : { format })
    if (canStream && flushMs !== 0) this.#stream = openStream(this.#output)
  }

  /** Another recording goes to this file at the moment: ours is written at the stop alone. */
  get isShared(): boolean {
    return this.#stream?.isTaken === true
  }
  /** Recording begins. What the native side needs to know. */
  begin(): FileStart {
    const own = this.#stream
    if (own?.isTaken) discardStream(own)
    const stream = own?.isTaken ? undefined : own
    const atEnd = this.#output === undefined ? undefined : outputWithoutScript(this.#output)
    return {
      path: atEnd?.path ?? '',
      format: atEnd?.format ?? '',
      streamFd: stream?.fd ?? -1,
      streamFormat: stream?.format ?? 'perfetto',
      streamPath: stream?.path ?? '',
      streamSuffix: suffixOf(stream?.path ?? ''),
      maxFileBytes: (this.#maxFileMB ?? MAX_FILE_MB[stream?.format ?? 'perfetto']) * 2 ** 20,
    }
  }
  /** Nothing is recorded after all. */
  discard(): void {
    if (this.#stream !== undefined) discardStream(this.#stream)
  }

  /**
   * Where the capture goes: to the path that the stop names, else where it was to go from the start.
   * @throws OpscopeError ERR_OPSCOPE_FILE_WRITE
   */
  outputAt(path: string | undefined): Output | undefined {
    return path === undefined ? this.#output : openOutput(path)
  }
  /** The same for a dump, under the next number that is free. */
  dumpOutput(path: string | URL | undefined): Output | undefined {
    if (path !== undefined) return openOutput(path)
    if (this.#output === undefined) return undefined
    const next = nextDumpPath(this.#output.path, this.#dumpCount)
    this.#dumpCount = next.number
    return openOutput(next.path, { format: this.#output.format })
  }

  async write(capture: Capture, output: Output | undefined, onTrouble: OnTrouble): Promise<void> {
    if (output === undefined) return
    try {
      await Capture.write(capture, output)
      this.#removeStream(output)
    } catch (error) {
      onTrouble(writeWarning(error))
    }
  }
  writeSync(capture: Capture, output: Output | undefined, onTrouble: OnTrouble): void {
    if (output === undefined) return
    try {
      Capture.writeSync(capture, output)
      this.#removeStream(output)
    } catch (error) {
      onTrouble(writeWarning(error))
    }
  }
  async writeDump(capture: Capture, output: Output | undefined, onTrouble: OnTrouble): Promise<void> {
    if (output === undefined) return
    try {
      await Capture.write(capture, output)
    } catch (error) {
      onTrouble(writeWarning(error))
    }
  }

  #removeStream(written: Output): void {
    if (this.#stream !== undefined && !this.#stream.isTaken) removeStream(this.#stream, written)
  }
}

function writeWarning(error: unknown): NativeWarning {
  return { code: 'file-not-written', detail: (error as Error).message.replaceAll('\n', ' '), count: 1 }
}
