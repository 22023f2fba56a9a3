// The tree of a flame graph, and the part of it that can be seen. Pure; nothing here recurses.

import type { TimeRange } from '../../page-state.js'
import { GPU_SYNC, type PageRecording } from '../../recording.js'
import type { RangeOp } from '../range/range-ops.js'
import type { SpanPaths } from '../range/span-paths.js'

/** Node 0 is all of it; a node comes after the one that it is in. */
export interface FlameTree {
  labels: string[]
  /** -1: of node 0. */
  parents: Int32Array
  /** Never less than those inside of it together. */
  values: Float64Array
  /** Nodes inside of node n: children[first[n]] to children[first[n + 1] - 1]. */
  first: Uint32Array
  children: Uint32Array
}
/** What d3-flame-graph draws. */
export interface FlameFrame {
  name: string
  value: number
  node: number
  children: FlameFrame[]
}
export interface FlamePart {
  root: FlameFrame
  frames: number
  /** Nodes that are left out as they would be narrower than `minPx`. */
  narrow: number
  /** The narrowest that is drawn. */
  minPx: number
  /** Frames at the last level that have others inside, which are not drawn. */
  cut: number
}

export function hostTree(ops: readonly RangeOp[]): FlameTree {
  return makeTree(
    ['all host time', ...ops.map(labelOf)],
    ops.map(op => op.parent + 1),
    ops.map(op => op.cpuNs),
  )
}

/** Ops, and in them the GPU work that they launched themselves. */
export function gpuTree(
  ops: readonly RangeOp[],
  recording: PageRecording,
  paths: SpanPaths,
  range: TimeRange,
): FlameTree {
  const labels = ['all GPU time', ...ops.map(labelOf)]
  const parents = ops.map(op => op.parent + 1)
  const values = ops.map(op => op.gpuNs)
  const nodeOfPath = new Int32Array(paths.count)
  for (const [row, op] of ops.entries()) nodeOfPath[op.path] = row + 1
  for (const { node, name, ns } of launchedWork(recording, paths, range, nodeOfPath)) {
    labels.push(recording.strings[name]!)
    parents.push(node)
    values.push(ns)
  }
  return makeTree(labels, parents, values)
}

function labelOf(op: RangeOp): string {
  return [...op.above, op.name].join('/')
}

interface Work {
  node: number
  name: number
  ns: number
}
/** By the op that launched it and by name; node 0: no op did. */
function launchedWork(recording: PageRecording, paths: SpanPaths, range: TimeRange, nodeOfPath: Int32Array): Work[] {
  const { gpu, strings } = recording
  const work = new Map<number, Work>()
  for (let row = 0; row < gpu.startNs.length; row++) {
    const start = gpu.startNs[row]!
    if (start >= range.endNs) break
    const ns = Math.min(start + gpu.durationNs[row]!, range.endNs) - Math.max(start, range.startNs)
    if (ns <= 0 || gpu.kind[row] === GPU_SYNC) continue
    const span = gpu.span[row]!
    const node = span < 0 ? 0 : nodeOfPath[paths.ofSpan[span]!]!
    const name = gpu.name[row]!
    const key = node * strings.length + name
    const known = work.get(key)
    if (known === undefined) work.set(key, { node, name, ns })
    else known.ns += ns
  }
  return [...work.values()]
}

function makeTree(labels: string[], parentsBelowRoot: readonly number[], ownValues: readonly number[]): FlameTree {
  const count = labels.length
  const parents = new Int32Array(count)
  parents[0] = -1
  const values = new Float64Array(count)
  const inside = new Float64Array(count)
  for (let node = 1; node < count; node++) {
    parents[node] = parentsBelowRoot[node - 1]!
    values[node] = ownValues[node - 1]!
  }
  const first = new Uint32Array(count + 1)
  for (let node = count - 1; node > 0; node--) {
    // Calls on other threads may add up to more than the op that they are in.
    values[node] = Math.max(values[node]!, inside[node]!)
    inside[parents[node]!]! += values[node]!
    first[parents[node]! + 1]!++
  }
  values[0] = inside[0]!
  for (let node = 0; node < count; node++) first[node + 1]! += first[node]!
  const next = first.slice()
  const children = new Uint32Array(Math.max(0, count - 1))
  for (let node = 1; node < count; node++) children[next[parents[node]!]!++] = node
  return { labels, parents, values, first, children }
}

/**
 * What is drawn of `node` and all inside of it on `widthPx`: nothing narrower than a pixel, no more than `maxLevels`
 * below it, and no more than `maxFrames`: the narrowest are left out first.
 */
export function visiblePart(
  tree: FlameTree,
  node: number,
  { widthPx, maxLevels, maxFrames }: { widthPx: number; maxLevels: number; maxFrames: number },
): FlamePart {
  for (let minPx = 1; ; minPx *= 2) {
    const part = takePart(tree, node, widthPx, minPx, maxLevels, maxFrames)
    if (part !== undefined) return part
  }
}

function takePart(
  { labels, values, first, children }: FlameTree,
  node: number,
  widthPx: number,
  minPx: number,
  maxLevels: number,
  maxFrames: number,
): FlamePart | undefined {
  const frameOf = (at: number): FlameFrame => ({ name: labels[at]!, value: values[at]!, node: at, children: [] })
  const smallest = (minPx * values[node]!) / widthPx
  const root = frameOf(node)
  const part: FlamePart = { root, frames: 1, narrow: 0, minPx, cut: 0 }
  let level: FlameFrame[] = [root]
  for (let depth = 0; level.length > 0; depth++) {
    const below: FlameFrame[] = []
    for (const frame of level) {
      const inside = children.subarray(first[frame.node], first[frame.node + 1])
      if (depth === maxLevels) {
        part.cut += Number(inside.length > 0)
        continue
      }
      for (const child of inside) {
        if (values[child]! < smallest || values[child] === 0) part.narrow++
        else {
          const made = frameOf(child)
          frame.children.push(made)
          below.push(made)
        }
      }
    }
    part.frames += below.length
    if (part.frames > maxFrames) return undefined
    level = below
  }
  return part
}

/** The node, and those that it is in, from the outermost. */
export function lineOf(tree: FlameTree, node: number): number[] {
  const line: number[] = []
  for (let at = node; at >= 0; at = tree.parents[at]!) line.push(at)
  return line.reverse()
}

/** Nodes whose label has the text in it, and their share of all: one inside of another counts once. */
export function matchesOf(tree: FlameTree, text: string): { count: number; ratio: number } {
  const wanted = text.toLowerCase()
  const isInMatch = new Uint8Array(tree.labels.length)
  let count = 0
  let sum = 0
  for (let node = 1; node < tree.labels.length; node++) {
    const isMatch = tree.labels[node]!.toLowerCase().includes(wanted)
    const isInside = isInMatch[tree.parents[node]!] === 1
    isInMatch[node] = Number(isMatch || isInside)
    if (!isMatch) continue
    count++
    if (!isInside) sum += tree.values[node]!
  }
  return { count, ratio: tree.values[0]! > 0 ? sum / tree.values[0]! : 0 }
}
