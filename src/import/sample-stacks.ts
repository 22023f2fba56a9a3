import { setImmediate } from 'node:timers/promises'

import { COLLECTOR, type CpuSamples, NOTHING, PROGRAM } from './cpu-samples.js'

/** Where a sample lies: rows of another recording, or nowhere. */
export interface SampleHomes {
  /** By sample: the row of the span around it; -1: none. */
  rows: Int32Array
  endOf(row: number): number
}
export interface StackSink {
  /** Spans are numbered from 0 in the order of their calls. `parent`: a number, -1: none. */
  open(node: number, startNs: number, parent: number, home: number): void
  close(span: number, endNs: number): void
}

// What stacks unfold to at most: some 90 bytes a span, in all that a capture holds.
export const MOST_SPANS: number = 1 << 23
// Between two looks at what else there is to do: 5 to 15 ms.
const SLICE = 1 << 16

/**
 * Samples as spans: a frame that consecutive samples have in common is one span, from the first of them to the first
 * sample without it. A collection lies in the stack that it interrupts. While the thread was idle there is no span.
 * @returns Every how manyth sample was used: 1, or more where the stacks would unfold to more than `most` spans.
 */
export async function drawStacks(
  samples: CpuSamples,
  sink: StackSink,
  homes?: SampleHomes,
  most: number = MOST_SPANS,
): Promise<number> {
  let stride = 1
  for (;;) {
    const part = await partThatFits(samples, stride, homes, most)
    if (part === 1) break
    stride *= Math.max(2, Math.floor(1 / part))
  }
  await draw(samples, new StackWalk(samples, sink, homes), stride)
  return stride
}

/** How much of the profile unfolds to `most` spans; 1: all of it, to no more. */
async function partThatFits(
  samples: CpuSamples,
  stride: number,
  homes: SampleHomes | undefined,
  most: number,
): Promise<number> {
  const { length } = samples.nodes
  const deepest = samples.depths.reduce((depth, each) => Math.max(depth, each), 0)
  if ((length / stride) * (deepest + 1) <= most) return 1
  let count = 0
  const counting: StackSink = {
    open: () => {
      count++
    },
    close: () => {},
  }
  const reached = await draw(samples, new StackWalk(samples, counting, homes), stride, () => count <= most)
  return count <= most ? 1 : reached / length
}

/** To the end, or as far as asked for; how far that is. */
async function draw(samples: CpuSamples, walk: StackWalk, stride: number, isWanted = () => true): Promise<number> {
  const { length } = samples.nodes
  let i = 0
  while (i < length && isWanted()) {
    if (i > 0) await setImmediate()
    for (const end = Math.min(i + SLICE * stride, length); i < end && isWanted(); i += stride)
      walk.sample(i, i + stride)
  }
  walk.end(samples.durationNs)
  return i
}

class StackWalk {
  #node = -1
  #home = -1
  #collection = -1
  #next = 0
  /** The open spans, by depth of their frames. */
  readonly #open: number[] = []
  readonly #entered: number[] = []

  constructor(
    readonly samples: CpuSamples,
    readonly sink: StackSink,
    readonly homes: SampleHomes | undefined,
  ) {}

  sample(i: number, following: number): void {
    const { nodes, kinds, atNs } = this.samples
    const node = nodes[i]!
    const at = atNs[i]!
    const home = this.homes === undefined ? -1 : this.homes.rows[i]!
    if (home !== this.#home) {
      this.#moveTo(-1, at)
      this.#home = home
    }
    const kind = kinds[node]!
    if (kind === COLLECTOR) {
      if (this.#collection === -1) this.#collection = this.#enter(node, at)
      return
    }
    if (kind === PROGRAM && this.#goesOn(following)) return
    this.#moveTo(kind === NOTHING ? -1 : node, at)
  }
  end(atNs: number): void {
    this.#moveTo(-1, atNs)
  }

  // Now and then V8 cannot walk a stack, and takes it for none: what is there before and after went on meanwhile.
  #goesOn(following: number): boolean {
    const { nodes, kinds, outermost } = this.samples
    const next = nodes[following]
    if (next === undefined || this.#node === -1 || kinds[next] === PROGRAM || kinds[next] === NOTHING) return false
    return outermost[next] === outermost[this.#node]
  }

  #moveTo(node: number, atNs: number): void {
    if (this.#collection !== -1) {
      this.#close(this.#collection, atNs)
      this.#collection = -1
    }
    if (node === this.#node) return
    const { parents, depths } = this.samples
    const depthOf = (each: number) => (each === -1 ? -1 : depths[each]!)
    let left = this.#node
    let entered = node
    while (left !== entered) {
      if (depthOf(left) > depthOf(entered)) {
        this.#close(this.#open.pop()!, atNs)
        left = parents[left]!
      } else if (depthOf(entered) > depthOf(left)) {
        this.#entered.push(entered)
        entered = parents[entered]!
      } else {
        this.#close(this.#open.pop()!, atNs)
        left = parents[left]!
        this.#entered.push(entered)
        entered = parents[entered]!
      }
    }
    for (let frame = this.#entered.pop(); frame !== undefined; frame = this.#entered.pop()) {
      this.#open.push(this.#enter(frame, atNs))
    }
    this.#node = node
  }
  #enter(node: number, atNs: number): number {
    this.sink.open(node, atNs, this.#open.at(-1) ?? -1, this.#home)
    return this.#next++
  }
  // A stack is known to be there at its samples; that it ends with the span around it is known too.
  #close(span: number, atNs: number): void {
    const end = this.#home === -1 ? atNs : Math.min(atNs, this.homes!.endOf(this.#home))
    this.sink.close(span, end)
  }
}
