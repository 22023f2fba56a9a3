import { openSync, readSync } from 'node:fs'

/** ns since some moment. */
export type Clock = () => number

export const systemClock: Clock = () => performance.now() * 1e6

// Reading takes 5 µs. Longer than this, the thread lost its CPU over it, perhaps for several ms.
const LONG_READ_NS = 100_000
const MOST_READS = 10

/** Times a stretch of work of this thread: how long it took, how much of that the thread waited for a CPU, and CPU time. */
export class Meter {
  readonly #clock: Clock
  #waitBeforeNs = 0
  #startNs = 0
  #cpuBefore: NodeJS.CpuUsage = { user: 0, system: 0 }
  #ns = 0
  #waitNs = 0
  #cpuNs = 0

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
  }

  /** Of the last stretch. */
  get ns(): number {
    return this.#ns
  }
  /** Of the last stretch; 0 where the system does not tell. */
  get waitNs(): number {
    return this.#waitNs
  }

  /** Of all threads of the process, in the last stretch. */
  get cpuNs(): number {
    return this.#cpuNs
  }

  start(): void {
    this.#cpuBefore = process.cpuUsage()
    for (let read = 0; read < MOST_READS; read++) {
      const before = this.#clock()
      this.#waitBeforeNs = cpuWaitNs()
      this.#startNs = this.#clock()
      if (this.#startNs - before < LONG_READ_NS) return
    }
  }

  stop(): void {
    const endNs = this.#clock()
    const waitNs = cpuWaitNs() - this.#waitBeforeNs
    const lateNs = this.#clock() - endNs
    const { user, system } = process.cpuUsage(this.#cpuBefore)
    this.#cpuNs = (user + system) * 1e3
    this.#ns = endNs - this.#startNs
    // A wait between the end and the reading is none of the work's.
    this.#waitNs = Math.min(this.#ns, Math.max(0, lateNs < LONG_READ_NS ? waitNs : waitNs - lateNs))
  }
}

const buffer = Buffer.alloc(64)
let file: number | undefined | null

/**
 * ns that this thread was ready to run and had no CPU, since its start; 0 where the system does not tell. Linux counts
 * it for each thread: the second number of schedstat (proc(5), Documentation/scheduler/sched-stats.rst).
 */
function cpuWaitNs(): number {
  if (file === undefined) {
    try {
      file = openSync('/proc/thread-self/schedstat', 'r')
    } catch {
      file = null
    }
  }
  if (file === null) return 0
  const bytes = readSync(file, buffer, 0, buffer.length, 0)
  return Number(buffer.toString('latin1', 0, bytes).split(' ')[1]) || 0
}
