import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { NativeWarning } from './binding.js'
import { Capture } from './capture.js'
import { OpscopeError } from './errors.js'
import { EventText } from './export/event-text.js'
import { openOutput, type Written, writeOutput } from './export/index.js'
import { readJsonEvents } from './import/json-events.js'

/** One capture of a timeline; the label names its processes. */
export interface TimelineInput {
  label?: string
  capture: Capture
}

// The ids of GPU processes begin above every process id of the system (the Chrome writer's rule).
const FIRST_GPU_PID = 5_000_000
const GPUS_PER_INPUT = 1000
const FLOWS_PER_INPUT = 2 ** 40

/**
 * Writes a Chrome trace of one or several captures, each as processes of its own. Captures that know their
 * wall clock stand where they were in time; if one does not, all begin at 0.
 * @throws OpscopeError ERR_OPSCOPE_FILE_WRITE, ERR_OPSCOPE_OPTION_VALUE without an input
 * @example
 * await writeTimeline([{ label: 'trainer1', capture: a }, { label: 'trainer2', capture: b }], 'timeline.json')
 */
export async function writeTimeline(inputs: TimelineInput[], path: string | URL): Promise<Written> {
  const output = openOutput(path, { format: 'chrome' })
  const [first] = inputs
  if (first === undefined) {
    throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', 'A timeline needs at least one capture.')
  }
  if (inputs.length === 1 && first.label === undefined) {
    return Capture.write(first.capture, output)
  }
  const origins = inputs.map(({ capture }) => capture.originEpochNs)
  const [earliest = 0n] = origins.toSorted((a, b) => Number(a - b)) // 0n, unknown, comes first
  const folder = await mkdtemp(join(tmpdir(), 'opscope-'))
  try {
    return await writeOutput(output, async fd => {
      const text = new EventText(fd)
      const warnings: NativeWarning[] = []
      for (const [index, { label, capture }] of inputs.entries()) {
        const shiftNs = earliest === 0n ? 0 : Number(capture.originEpochNs - earliest)
        const single = join(folder, `${index}.json`)
        const written = await Capture.write(capture, openOutput(single))
        warnings.push(...written.warnings)
        const process = new ProcessEvents(index, inputs.length, label ?? `capture ${index + 1}`, shiftNs)
        await readJsonEvents(createReadStream(single, { highWaterMark: 1 << 20 }), events => {
          for (const event of events) {
            text.add(JSON.stringify(process.moved(event)))
          }
        })
        for (const event of process.unnamed()) {
          text.add(JSON.stringify(event))
        }
        await rm(single)
      }
      return { bytes: text.end(), warnings }
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

type Event = Record<string, unknown>

/** Moves the events of one capture to ids and times that are its own among several. */
class ProcessEvents {
  readonly #named = new Set<number>()
  readonly #seen = new Set<number>()
  /** Of the host's side, as the single trace has them. */
  readonly #pids: number[] = []
  constructor(
    readonly index: number,
    readonly inputCount: number,
    readonly label: string,
    readonly shiftNs: number,
  ) {}

  moved(event: Event): Event {
    const pid = this.#pid(Number(event.pid))
    this.#seen.add(pid)
    const moved: Event = { ...event, pid }
    if (typeof event.ts === 'number' && event.ph !== 'M') {
      moved.ts = (Math.round(event.ts * 1000) + this.shiftNs) / 1000
    }
    if ((event.ph === 's' || event.ph === 't' || event.ph === 'f') && typeof event.id === 'number') {
      moved.id = event.id + this.index * FLOWS_PER_INPUT
    }
    const args = event.args as Event | undefined
    if (event.name === 'process_name') {
      this.#named.add(pid)
      moved.args = { ...args, name: `${this.label}: ${args?.name}` }
    } else if (event.name === 'process_sort_index') {
      moved.args = { ...args, sort_index: Number(args?.sort_index) + this.index * 10 * GPUS_PER_INPUT }
    }
    return moved
  }
  *unnamed(): Generator<Event> {
    for (const pid of this.#seen) {
      if (!this.#named.has(pid)) {
        yield { ph: 'M', name: 'process_name', pid, tid: 0, args: { name: this.label } }
      }
    }
  }
  #pid(pid: number): number {
    const device = pid - FIRST_GPU_PID
    if (device >= 0) return FIRST_GPU_PID + this.index * GPUS_PER_INPUT + device
    if (!this.#pids.includes(pid)) this.#pids.push(pid)
    return this.index + 1 + this.#pids.indexOf(pid) * this.inputCount
  }
}
