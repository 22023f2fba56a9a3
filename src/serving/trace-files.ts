import { TraceFile, type TraceFileCounts, type TraceRecord } from './trace-file.js'
import type { TraceSetting, TraceSettings } from './trace-settings.js'
import type { ServingTracerOptions } from './tracer-options.js'
import { trouble } from './trouble.js'

const NONE: TraceFileCounts = { added: 0, written: 0, dropped: 0, writeErrors: 0, bytes: 0, files: 0 }

/** The files of a tracer: one for each number of traces per file that the settings ask for. */
export class TraceFiles {
  readonly #options: ServingTracerOptions
  readonly #settings: TraceSettings
  readonly #files = new Map<number, TraceFile>()
  /** Given up, and still being written. */
  readonly #ending = new Map<TraceFile, Promise<void>>()
  /** Of those that are complete. */
  #past: TraceFileCounts = NONE
  #isClosed = false

  /** @throws OpscopeError ERR_OPSCOPE_FILE_WRITE */
  constructor(options: ServingTracerOptions, settings: TraceSettings) {
    this.#options = options
    this.#settings = settings
    // A path that cannot be written must fail here, and not at the first trace.
    if (options.file !== undefined && options.file !== '') this.#fileOf(options.logFrequency ?? 0)
    // What was collected for a file of so many traces is written when that number is given up.
    settings.onChange(() => this.#closeUnused())
  }

  add(setting: TraceSetting, records: readonly TraceRecord[]): void {
    if (!setting.modes.includes('triton') || setting.file === '') return
    if (this.#isClosed) {
      // A new file would take the place of the one that is complete.
      this.#past = sumOf(this.#past, { ...NONE, added: records.length, dropped: records.length })
      return
    }
    try {
      const file = this.#fileOf(setting.logFrequency)
      for (const record of records) file.add(record)
    } catch (error) {
      trouble('trace-file-write', (error as Error).message)
    }
  }
  /** Of all files that there were. */
  get counts(): TraceFileCounts {
    return [...this.#ending.keys(), ...this.#files.values()].reduce((sum, file) => sumOf(sum, file.counts), this.#past)
  }
  async flush(): Promise<void> {
    await Promise.all([...this.#ending.values(), ...[...this.#files.values()].map(file => file.flush())])
  }
  async close(): Promise<void> {
    for (const file of this.#take()) this.#end(file)
    await Promise.all(this.#ending.values())
  }
  closeSync(): void {
    for (const file of this.#take()) {
      file.closeSync()
      this.#past = sumOf(this.#past, file.counts)
    }
  }

  #end(file: TraceFile): void {
    const ended = file
      .close()
      .catch((error: Error) => trouble('trace-file-write', error.message))
      .finally(() => {
        this.#ending.delete(file)
        this.#past = sumOf(this.#past, file.counts)
      })
    this.#ending.set(file, ended)
  }

  #take(): TraceFile[] {
    this.#isClosed = true
    const files = [...this.#files.values()]
    this.#files.clear()
    return files
  }
  #fileOf(logFrequency: number): TraceFile {
    let file = this.#files.get(logFrequency)
    if (file === undefined) {
      const { file: path = '', form, maxFileMB } = this.#options
      file = new TraceFile({
        path,
        logFrequency,
        ...(form === undefined ? {} : { form }),
        ...(maxFileMB === undefined ? {} : { maxFileMB }),
        onWarning: trouble,
      })
      this.#files.set(logFrequency, file)
    }
    return file
  }
  #closeUnused(): void {
    const wanted = this.#settings.logFrequencies()
    for (const [logFrequency, file] of this.#files) {
      if (wanted.has(logFrequency)) continue
      this.#files.delete(logFrequency)
      this.#end(file)
    }
  }
}

function sumOf(a: TraceFileCounts, b: TraceFileCounts): TraceFileCounts {
  return {
    added: a.added + b.added,
    written: a.written + b.written,
    dropped: a.dropped + b.dropped,
    writeErrors: a.writeErrors + b.writeErrors,
    bytes: a.bytes + b.bytes,
    files: a.files + b.files,
  }
}
