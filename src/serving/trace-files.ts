import { addWarning } from '../hooks.js'
import { TraceFile, type TraceRecord } from './trace-file.js'
import type { TraceSetting, TraceSettings } from './trace-settings.js'
import type { ServingTracerOptions } from './tracer-options.js'

/** The files of a tracer: one for each number of traces per file that the settings ask for. */
export class TraceFiles {
  readonly #options: ServingTracerOptions
  readonly #settings: TraceSettings
  readonly #files = new Map<number, TraceFile>()

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
    try {
      const file = this.#fileOf(setting.logFrequency)
      for (const record of records) file.add(record)
    } catch (error) {
      addWarning('trace-file-write', (error as Error).message)
    }
  }
  async flush(): Promise<void> {
    await Promise.all([...this.#files.values()].map(file => file.flush()))
  }
  async close(): Promise<void> {
    const files = this.#take()
    await Promise.all(files.map(file => file.close()))
  }
  closeSync(): void {
    for (const file of this.#take()) file.closeSync()
  }

  #take(): TraceFile[] {
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
        onWarning: addWarning,
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
      file.close().catch((error: Error) => addWarning('trace-file-write', error.message))
    }
  }
}
