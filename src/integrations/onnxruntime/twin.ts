import { closeSync, mkdtempSync, openSync, readdirSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ModelSource } from './model-source.js'
import type { Feeds, Fetches, NativeSession, NativeSessionClass, Results, RunOptions } from './native-session.js'
import type { ServedRun } from './node-rows.js'
import { OrtProfileReader, type OrtRun } from './ort-profile.js'
import { nowNs } from './spans.js'

// Messages of a kernel that failed in the middle of a run (sequential_executor.cc): the run leaves a record.
const FAILED_INSIDE = /while running .+ node/s
const SILENT = 4
const PIECE_BYTES = 64 * 1024
const NEWLINE = 10

/**
 * A second session from the same model and options with ONNX Runtime's profiler on. The profiler is
 * one-shot and grows with each run, so a twin serves a counted number of runs, then is ended.
 * While it lives, the weights are in memory twice.
 */
export class ProfiledTwin {
  readonly #session: NativeSession
  readonly #folder: string
  readonly #profile: number
  /** In the order of the runs. */
  readonly served: ServedRun[] = []

  /** @throws whatever loading throws; nothing is left behind. Blocks for as long as the load takes. */
  constructor(Native: NativeSessionClass, source: ModelSource) {
    // mkdtemp makes it 0700: the profile tells names and shapes of the model.
    this.#folder = mkdtempSync(join(tmpdir(), 'opscope-ort-'))
    this.#session = new Native()
    try {
      const options = { enableProfiling: true, profileFilePrefix: join(this.#folder, 'run'), logSeverityLevel: SILENT }
      this.#session.loadModel(...source.loadArguments(options))
      // The runtime opens its file on load. Where the system allows, it loses its name at once, so that
      // not even a crash leaves it behind.
      this.#profile = openSync(join(this.#folder, readdirSync(this.#folder)[0]!), 'r')
    } catch (error) {
      disposeQuietly(this.#session)
      removeQuietly(this.#folder)
      throw error
    }
    removeQuietly(this.#folder)
  }

  /**
   * A first run allocates and touches memory that later ones find ready (the demo network: 3.2 ms, then
   * 1.3 ms), as the original has done long ago.
   */
  warmUp(feeds: Feeds, fetches: Fetches): void {
    try {
      // Not into results that the caller gave.
      this.#run(
        feeds,
        Object.fromEntries(Object.keys(fetches).map(name => [name, null])),
        {},
        { spanId: 0, isWarmUp: true },
      )
    } catch {
      // The caller's own run will fail likewise.
    }
  }

  /** @throws whatever the run throws; it is kept in order as a failed one. */
  run(feeds: Feeds, fetches: Fetches, options: RunOptions, spanId: number): Results {
    return this.#run(feeds, fetches, options, { spanId, isWarmUp: false })
  }

  #run(feeds: Feeds, fetches: Fetches, options: RunOptions, what: Pick<ServedRun, 'spanId' | 'isWarmUp'>): Results {
    const run: ServedRun = { ...what, startNs: nowNs(), endNs: 0n, outcome: 'done' }
    this.served.push(run)
    try {
      // Its failures are tried again on the original, which then logs them once.
      const quiet = options?.logSeverityLevel === undefined ? options : { ...options, logSeverityLevel: SILENT }
      return this.#session.run(feeds, fetches, quiet)
    } catch (error) {
      run.outcome = FAILED_INSIDE.test(String((error as Error)?.message)) ? 'failed' : 'refused'
      throw error
    } finally {
      run.endNs = nowNs()
    }
  }

  /** Ends the profile and frees the session; once. Blocks for 6 to 7 µs per profile event. */
  end(): OrtRun[] {
    try {
      this.#session.endProfiling()
      return readRuns(this.#profile)
    } finally {
      closeSync(this.#profile)
      disposeQuietly(this.#session)
      removeQuietly(this.#folder)
    }
  }
}

// In pieces: the whole text, 2 MB at the most events, would make the heap grow for good.
function readRuns(file: number): OrtRun[] {
  const reader = new OrtProfileReader()
  const piece = Buffer.allocUnsafe(PIECE_BYTES)
  let kept = 0
  let offset = 0
  for (;;) {
    const count = readSync(file, piece, kept, piece.length - kept, offset)
    if (count === 0) return reader.runs
    offset += count
    const filled = piece.subarray(0, kept + count)
    let start = 0
    for (let end = filled.indexOf(NEWLINE); end !== -1; end = filled.indexOf(NEWLINE, start)) {
      reader.takeLine(filled.toString('utf8', start, end))
      start = end + 1
    }
    // A line longer than a piece is no event that is needed.
    kept = start === 0 && filled.length === piece.length ? 0 : piece.copy(piece, 0, start, filled.length)
  }
}

function disposeQuietly(session: NativeSession): void {
  try {
    session.dispose()
  } catch {
    // It never loaded: nothing to free.
  }
}

function removeQuietly(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true })
  } catch {
    // Windows refuses while the runtime holds the file; end() tries again.
  }
}
