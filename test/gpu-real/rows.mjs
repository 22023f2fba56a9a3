// Single GPU rows of a recording, which opscope's public face adds up to tables. A test needs each of them, so this
// reads the columns that a capture is made of, on their way.
import { profile } from 'opscope'

import { FLAG_TIMED, GPU_KINDS, MEMORY_KINDS, native } from '../../lib/binding.js'

const binding = native()
const viewOf = binding.view
let lastView
binding.view = recording => {
  lastView = viewOf(recording)
  return lastView
}

/** Records `body` with the GPU, and gives the capture together with its rows. */
export async function recordGpu(body, options = {}) {
  const capture = await profile({ gpu: 'required', ...options }, body)
  return { capture, rows: new GpuRows(lastView) }
}

/** One recording's GPU rows, launches and spans; objects are made only for what is asked. */
export class GpuRows {
  constructor(view) {
    this.view = view
  }

  /** @returns {{ name: string, kind: string, from: string, to: string, bytes: number, device: number, stream: number,
   *   startNs: number, endNs: number, durationUs: number, launch: object | undefined, span: string | undefined,
   *   thread: string | undefined, isAsync: boolean }[]} */
  of(kind, prefix = '') {
    const { gpu, strings } = this.view
    const found = []
    for (let row = 0; row < gpu.kind.length; row++) {
      if (GPU_KINDS[gpu.kind[row]] === kind && strings[gpu.name[row]].startsWith(prefix)) found.push(this.#row(row))
    }
    return found
  }
  kernels(prefix) {
    return this.of('kernel', prefix)
  }
  copies() {
    return this.of('copy')
  }

  /** Kernels by name, without an object for each. */
  kernelCounts() {
    const { gpu, strings } = this.view
    const counts = new Map()
    for (let row = 0; row < gpu.kind.length; row++) {
      if (GPU_KINDS[gpu.kind[row]] === 'kernel') counts.set(gpu.name[row], (counts.get(gpu.name[row]) ?? 0) + 1)
    }
    return new Map([...counts].map(([name, count]) => [strings[name], count]))
  }
  kernelCount(prefix) {
    let total = 0
    for (const [name, count] of this.kernelCounts()) if (name.startsWith(prefix)) total += count
    return total
  }

  /** Calls of the CUDA API by name. */
  callCounts() {
    const { launches, strings } = this.view
    const counts = new Map()
    for (const name of launches.name) counts.set(strings[name], (counts.get(strings[name]) ?? 0) + 1)
    return counts
  }

  /** Those of one name, in the order of their starts. */
  calls(name) {
    const { launches, strings } = this.view
    const found = []
    for (let row = 0; row < launches.name.length; row++) {
      if (strings[launches.name[row]] !== name) continue
      found.push({ name, startNs: launches.startNs[row], endNs: launches.endNs[row] })
    }
    return found.sort((a, b) => a.startNs - b.startNs)
  }

  /** @returns {{ name: string, startNs: number, endNs: number, isTimed: boolean }[]} */
  spans(name) {
    const { spans, names } = this.view
    const found = []
    for (let row = 0; row < spans.name.length; row++) {
      if (names[spans.name[row]].text !== name) continue
      const startNs = Number(spans.startNs[row])
      const isTimed = (spans.flags[row] & FLAG_TIMED) !== 0
      found.push({ name, startNs, endNs: startNs + Number(spans.durationNs[row]), isTimed })
    }
    return found
  }

  #row(row) {
    const { gpu, strings, launches, threads } = this.view
    const launchRow = gpu.launch[row]
    const launch =
      launchRow < 0
        ? undefined
        : {
            name: strings[launches.name[launchRow]],
            startNs: launches.startNs[launchRow],
            endNs: launches.endNs[launchRow],
          }
    return {
      name: strings[gpu.name[row]],
      kind: GPU_KINDS[gpu.kind[row]],
      from: MEMORY_KINDS[gpu.from[row]],
      to: MEMORY_KINDS[gpu.to[row]],
      bytes: gpu.bytes[row],
      device: gpu.device[row],
      stream: gpu.stream[row],
      correlationId: gpu.correlationId[row],
      startNs: gpu.startNs[row],
      endNs: gpu.endNs[row],
      durationUs: (gpu.endNs[row] - gpu.startNs[row]) / 1000,
      launch,
      span: this.#spanName(gpu.span[row]),
      thread: launchRow < 0 ? undefined : threads[launches.thread[launchRow]]?.name,
    }
  }

  /** A copy has a row of its own, named for its direction: the span is what is around it. */
  #spanName(row) {
    const { spans, names } = this.view
    let at = row
    while (at >= 0 && names[spans.name[at]].text.startsWith('GpuMemcpy')) at = spans.parent[at]
    return at < 0 ? undefined : names[spans.name[at]].text
  }
  /** The row of its own that a copy got. */
  copyNames() {
    const { gpu, spans, names } = this.view
    const counts = new Map()
    for (let row = 0; row < gpu.kind.length; row++) {
      if (GPU_KINDS[gpu.kind[row]] !== 'copy' || gpu.span[row] < 0) continue
      const name = names[spans.name[gpu.span[row]]].text
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    return counts
  }
}

/** Count of a capture's warning, 0 when it has none. */
export function warningCount(capture, ...codes) {
  return capture.warnings.filter(({ code }) => codes.includes(code)).reduce((total, { count }) => total + count, 0)
}

/** Rows of the capture that was made or loaded last. */
export const lastRows = () => new GpuRows(lastView)
