// V8's CPU profile: `node --cpu-prof`, `Profiler.stop` of node:inspector, Chrome's DevTools.
// https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile
// `nodes` is the tree of all stacks, `samples` has the innermost frame at each moment, `timeDeltas` the µs between
// them. Read chunk by chunk: profiles of long runs do not fit into one JavaScript string. Ignored: hit counts,
// ticks by line, deoptimisations.
import { float64, type Growing, int32, uint8 } from '../columns.js'
import { isObject, type JsonObject, readJsonArrays } from './json-events.js'

const NUMBERS: ReadonlySet<string> = new Set(['samples', 'timeDeltas'])
const ARRAYS: ReadonlySet<string> = new Set(['nodes', ...NUMBERS])

/** What the innermost frame of a sample is. */
export const FRAME = 0
/** Native code that no JavaScript called. */
export const PROGRAM = 1
export const COLLECTOR = 2
/** The root, or waiting for events. */
export const NOTHING = 3
const KINDS: Record<string, number> = {
  '(root)': NOTHING,
  '(idle)': NOTHING,
  '(program)': PROGRAM,
  '(garbage collector)': COLLECTOR,
}

// 104 days, as far as ns are exact in a number: what is further away is damage.
const FURTHEST_US = Number.MAX_SAFE_INTEGER / 1000

/** The samples of one thread, by time. */
export interface CpuSamples {
  /** By node: what is shown, and what it is. */
  names: string[]
  kinds: Uint8Array
  /** By node: the one around it, -1: none; never one of kind NOTHING. How many are around it, and which is the outermost. */
  parents: Int32Array
  depths: Int32Array
  outermost: Int32Array
  /** By sample: the innermost frame, and ns since the start. */
  nodes: Int32Array
  atNs: Float64Array
  /** Length of the profile. */
  durationNs: number
  /** CLOCK_MONOTONIC at its start on Linux: V8 reads the clock of `process.hrtime`, in µs. 0n: not told. */
  originClockNs: bigint
  damaged: number
  isCut: boolean
}

/** Reads a profile; undefined: it is none. */
export async function readCpuSamples(chunks: AsyncIterable<Buffer>): Promise<CpuSamples | undefined> {
  const tree = new FrameTree()
  const ids = float64()
  const deltasUs = float64()
  const take = (value: number, key: string) => {
    if (key === 'samples') ids.push(value)
    else if (key === 'timeDeltas') deltasUs.push(value)
  }
  const file = await readJsonArrays<JsonObject | number>(chunks, {
    keys: ARRAYS,
    isElement: (value): value is JsonObject | number => isObject(value) || typeof value === 'number',
    onBatch: (values, _, __, key) => {
      for (const value of values) {
        if (typeof value === 'number') take(value, key)
        else if (key === 'nodes') tree.add(value)
      }
    },
    numberKeys: NUMBERS,
    onNumber: take,
  })
  if (file.isForeign) return undefined
  const { startTime, endTime } = file.head
  const startUs = clockOf(startTime)
  const samples = placeSamples(tree, ids, deltasUs)
  // Of a file that was cut, nobody knows how long the last stack was there.
  const told = file.isCut ? 0 : clockOf(endTime) - startUs
  const lastNs = samples.atNs.at(-1) ?? 0
  return {
    ...tree.finish(),
    nodes: samples.nodes,
    atNs: samples.atNs,
    durationNs: told > 0 && told < FURTHEST_US ? Math.max(lastNs, Math.round(told * 1000)) : lastNs,
    originClockNs: BigInt(Math.round(startUs)) * 1000n,
    damaged: file.damaged + tree.damaged + samples.damaged,
    isCut: file.isCut,
  }
}
function clockOf(us: unknown): number {
  return typeof us === 'number' && us > 0 && Number.isSafeInteger(Math.round(us)) ? us : 0
}

/** The tree of stacks, as a file tells it: children by their ids, or each node its parent's. */
class FrameTree {
  readonly #indices = new Map<unknown, number>()
  readonly #names: string[] = []
  readonly #kinds: Growing<Uint8Array> = uint8()
  readonly #children: unknown[] = []
  readonly #parentIds: unknown[] = []
  damaged = 0

  add(node: JsonObject): void {
    const frame = (node.callFrame ?? {}) as JsonObject
    const name = typeof frame.functionName === 'string' ? frame.functionName : ''
    this.#indices.set(node.id, this.#names.length)
    this.#names.push(frameName(name, frame))
    this.#kinds.push(frame.url ? FRAME : (KINDS[name] ?? FRAME))
    this.#children.push(node.children)
    this.#parentIds.push(node.parent)
  }
  /** -1: no node of this id. */
  indexOf(id: number): number {
    return this.#indices.get(id) ?? -1
  }

  finish(): Pick<CpuSamples, 'names' | 'kinds' | 'parents' | 'depths' | 'outermost'> {
    const count = this.#names.length
    const parents = new Int32Array(count)
    for (let node = 0; node < count; node++) parents[node] = this.#indices.get(this.#parentIds[node]) ?? -1
    for (let node = 0; node < count; node++) {
      const children = this.#children[node]
      for (const id of Array.isArray(children) ? children : []) {
        const child = this.#indices.get(id)
        if (child !== undefined) parents[child] = node
      }
    }
    return { names: this.#names, kinds: this.#kinds.values, ...this.#placed(parents) }
  }

  // A damaged tree may bite its own tail: it is cut there. One made to harm has millions of roots inside of each other:
  // they are left out here, so that nobody walks them for every sample.
  #placed(parents: Int32Array): Pick<CpuSamples, 'parents' | 'depths' | 'outermost'> {
    const UNKNOWN = -1
    const ON_WAY = -2
    const kinds = this.#kinds.values
    const depths = new Int32Array(parents.length).fill(UNKNOWN)
    const outermost = Int32Array.from(parents.keys())
    const way: number[] = []
    for (let node = 0; node < parents.length; node++) {
      let at = node
      while (at !== -1 && depths[at] === UNKNOWN) {
        depths[at] = ON_WAY
        way.push(at)
        at = parents[at]!
      }
      const isCycle = at !== -1 && depths[at] === ON_WAY
      if (isCycle) {
        parents[way.at(-1)!] = -1
        this.damaged++
      }
      for (let each = way.pop(); each !== undefined; each = way.pop()) {
        const around = parents[each]!
        const parent = around !== -1 && kinds[around] === NOTHING ? parents[around]! : around
        parents[each] = parent
        depths[each] = parent === -1 ? 0 : depths[parent]! + 1
        if (parent !== -1) outermost[each] = outermost[parent]!
      }
    }
    return { parents, depths, outermost }
  }
}

/** `hot (main.mjs:12)`, which tells functions of one name apart as the names of ops do. */
function frameName(name: string, { url, lineNumber }: JsonObject): string {
  const shown = name === '' ? '(anonymous)' : name
  if (typeof url !== 'string' || url === '') return shown
  const file = url.slice(url.lastIndexOf('/') + 1).replace(/[?#].*$/s, '') || url
  return typeof lineNumber === 'number' && lineNumber >= 0
    ? `${shown} (${file}:${lineNumber + 1})`
    : `${shown} (${file})`
}

/** Samples in order of time: what several threads write, V8 may write a little out of order. */
function placeSamples(tree: FrameTree, ids: Growing<Float64Array>, deltasUs: Growing<Float64Array>) {
  const most = Math.min(ids.length, deltasUs.length)
  const nodes = int32()
  const atNs = float64()
  let isSorted = true
  let damaged = 0
  let us = 0
  let lastNs = 0
  const idValues = ids.values
  const deltaValues = deltasUs.values
  for (let i = 0; i < most; i++) {
    us += deltaValues[i]!
    const node = tree.indexOf(idValues[i]!)
    if (node === -1 || !(Math.abs(us) < FURTHEST_US)) {
      damaged++
      continue
    }
    const ns = Math.max(0, Math.round(us * 1000))
    isSorted &&= ns >= lastNs
    lastNs = ns
    nodes.push(node)
    atNs.push(ns)
  }
  if (isSorted) return { nodes: nodes.values, atNs: atNs.values, damaged }
  const given = { nodes: nodes.values, atNs: atNs.values }
  const order = Uint32Array.from(given.atNs.keys()).sort((a, b) => given.atNs[a]! - given.atNs[b]! || a - b)
  return {
    nodes: Int32Array.from(order, row => given.nodes[row]!),
    atNs: Float64Array.from(order, row => given.atNs[row]!),
    damaged,
  }
}
