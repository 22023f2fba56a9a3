import { describe, expect, it } from 'vitest'

import {
  type FlameFrame,
  type FlameTree,
  hostTree,
  lineOf,
  matchesOf,
  visiblePart,
} from '../../../src/page/panels/flame/flame-tree.js'
import type { RangeOp } from '../../../src/page/panels/range/range-ops.js'

const op = (name: string, parent: number, cpuNs: number): RangeOp => ({
  path: 0,
  name,
  parent,
  above: [],
  role: 'op',
  category: 'user',
  calls: 1,
  totalNs: cpuNs,
  cpuNs,
  gpuNs: 0,
  selfNs: 0,
  minNs: 0,
  maxNs: 0,
  p50Ns: 0,
  p99Ns: 0,
  unfinished: 0,
  firstEndNs: 0,
})
const drawn = ({ name, value, children }: FlameFrame): unknown =>
  children.length === 0 ? `${name} ${value}` : { [`${name} ${value}`]: children.map(drawn) }
const part = (tree: FlameTree, node: number, bounds: Partial<Parameters<typeof visiblePart>[2]> = {}) =>
  visiblePart(tree, node, { widthPx: 100, maxLevels: 10, maxFrames: 1000, ...bounds })

describe('the tree of a flame graph', () => {
  it('is as wide as its top level, and never narrower than what is inside', () => {
    // Two calls on other threads: together they take longer than the op around them.
    const tree = hostTree([op('serve', -1, 60), op('a', 0, 50), op('b', 0, 40), op('rest', -1, 10)])
    expect(drawn(part(tree, 0).root)).toEqual({
      'all host time 100': [{ 'serve 90': ['a 50', 'b 40'] }, 'rest 10'],
    })
  })

  it('leaves out what is narrower than a pixel, with all that is inside, and counts it', () => {
    const tree = hostTree([op('wide', -1, 990), op('narrow', -1, 9), op('in it', 1, 9), op('just', -1, 1)])
    const { root, narrow, minPx } = part(tree, 0)
    expect([drawn(root), narrow, minPx]).toEqual([{ 'all host time 1000': ['wide 990'] }, 2, 1])
    // Zoomed to it, it is as wide as all.
    expect(drawn(part(tree, 2).root)).toEqual({ 'narrow 9': ['in it 9'] })
  })

  it('leaves out the narrowest first where there are more frames than can be drawn', () => {
    const tree = hostTree([op('a', -1, 50), op('b', -1, 30), op('c', -1, 12), op('d', -1, 8)])
    const { root, minPx, narrow, frames } = part(tree, 0, { maxFrames: 3 })
    // 16 pixels of 100 is what c and d are below.
    expect([drawn(root), minPx, narrow, frames]).toEqual([{ 'all host time 100': ['a 50', 'b 30'] }, 16, 2, 3])
  })

  it('ends at the last level, and counts what has more inside', () => {
    const tree = hostTree(Array.from({ length: 100_000 }, (_, level) => op(`level ${level}`, level - 1, 10)))
    const { frames, cut } = part(tree, 0, { maxLevels: 5 })
    expect([frames, cut]).toEqual([6, 1])
    expect(lineOf(tree, 100_000).length).toBe(100_001)
  })

  it('counts a match inside of a match, and its time once', () => {
    const tree = hostTree([op('Conv', -1, 60), op('conv inner', 0, 50), op('Gemm', -1, 40)])
    expect(matchesOf(tree, 'CONV')).toEqual({ count: 2, ratio: 0.6 })
  })
})
