// Witnesses: independent measurements of a path, as far as one recording has any. The calls inside one call of an
// enclosing op (a request, a batch) share its input and its moment, and those of one name may be of different sizes,
// as the convolutions of a network are; together they are one witness, which says their mean.
import { GPU_KINDS, MEMORY_KINDS } from '../../binding.js'
import { parentsFirst, type RecordedCalls } from './recorded-calls.js'

/**
 * An enclosing op makes witnesses of what is inside if it was called so often on both sides. Fewer are too few for a
 * verdict, and then the calls speak for themselves: of 10 and 10 values, a rank test's p can be as small as 1.1e-5.
 */
export const MIN_WITNESSES = 10

/** All measurements of one thing in one recording. */
export interface Measured {
  calls: number
  ownNs: number
  /** ns per call of each witness, in the order of their starts. */
  witnessNs: Float64Array
  /** Moved by copies. */
  bytes: number
}

/** For each span the outermost span around it, itself included, of a path in `enough`; -1: none. */
export function witnessSpans({ path, source }: RecordedCalls, isEnough: (path: number) => boolean): Int32Array {
  const { parent } = source.view.spans
  const witness = new Int32Array(path.length).fill(-1)
  for (const span of parentsFirst(parent)) {
    const above = parent[span]! < 0 ? -1 : witness[parent[span]!]!
    witness[span] = above >= 0 ? above : path[span]! >= 0 && isEnough(path[span]!) ? span : -1
  }
  return witness
}

/** By path. */
export function measuredPaths(calls: RecordedCalls, witness: Int32Array): Map<number, Measured> {
  const groups = new Groups<number>()
  for (const [span, path] of calls.path.entries()) {
    if (path < 0) continue
    const isPart = calls.isPart[span] === 1
    const at = witness[span]! >= 0 ? witness[span]! : isPart ? callAround(calls, span) : span
    groups.add(path, at, calls.startNs[at]!, calls.ownNs[span]!, isPart ? 0 : 1, 0)
  }
  return groups.measured()
}

function callAround({ isPart, source }: RecordedCalls, part: number): number {
  let span = part
  while (isPart[span] === 1) span = source.view.spans.parent[span]!
  return span
}

/** What a GPU did, by kind and name: kernels of a device, or copies of a call between kinds of memory. */
export interface MeasuredGpu {
  kernels: Map<string, Measured>
  copies: Map<string, Measured>
}
export interface KernelKey {
  name: string
  device: number
}
export interface CopyKey {
  name: string
  from: (typeof MEMORY_KINDS)[number]
  to: (typeof MEMORY_KINDS)[number]
}

const KERNEL = GPU_KINDS.indexOf('kernel')
const COPY = GPU_KINDS.indexOf('copy')

export function measuredGpu({ source }: RecordedCalls, witness: Int32Array): MeasuredGpu {
  const { gpu, spans, names, strings } = source.view
  const kernels = new Groups<string>()
  const copies = new Groups<string>()
  for (let row = 0; row < gpu.kind.length; row++) {
    const span = gpu.span[row]!
    const around = span < 0 ? -1 : witness[span]!
    // Rows without a span in a witness stand for themselves, under numbers that no span has.
    const at = around >= 0 ? around : spans.parent.length + row
    const durationNs = gpu.endNs[row]! - gpu.startNs[row]!
    if (gpu.kind[row] === KERNEL) {
      const key: KernelKey = { name: strings[gpu.name[row]!]!, device: gpu.device[row]! }
      kernels.add(JSON.stringify(key), at, gpu.startNs[row]!, durationNs, 1, 0)
    } else if (gpu.kind[row] === COPY) {
      const name = span < 0 ? strings[gpu.name[row]!]! : names[spans.name[span]!]!.text
      const key: CopyKey = { name, from: MEMORY_KINDS[gpu.from[row]!]!, to: MEMORY_KINDS[gpu.to[row]!]! }
      copies.add(JSON.stringify(key), at, gpu.startNs[row]!, durationNs, 1, gpu.bytes[row]!)
    }
  }
  return { kernels: kernels.measured(), copies: copies.measured() }
}

interface Witness {
  startNs: number
  calls: number
  ownNs: number
}

class Groups<K> {
  readonly #groups = new Map<K, { byWitness: Map<number, Witness>; bytes: number }>()

  add(key: K, witness: number, startNs: number, ownNs: number, calls: number, bytes: number): void {
    const group = this.#groups.get(key) ?? { byWitness: new Map<number, Witness>(), bytes: 0 }
    this.#groups.set(key, group)
    group.bytes += bytes
    const known = group.byWitness.get(witness)
    if (known === undefined) group.byWitness.set(witness, { startNs, calls, ownNs })
    else {
      known.startNs = Math.min(known.startNs, startNs)
      known.calls += calls
      known.ownNs += ownNs
    }
  }
  measured(): Map<K, Measured> {
    const measured = new Map<K, Measured>()
    for (const [key, { byWitness, bytes }] of this.#groups) {
      const witnesses = [...byWitness.values()].filter(({ calls }) => calls > 0).sort((a, b) => a.startNs - b.startNs)
      measured.set(key, {
        calls: witnesses.reduce((calls, each) => calls + each.calls, 0),
        ownNs: witnesses.reduce((ns, each) => ns + each.ownNs, 0),
        witnessNs: Float64Array.from(witnesses, ({ ownNs, calls }) => ownNs / calls),
        bytes,
      })
    }
    return measured
  }
}
