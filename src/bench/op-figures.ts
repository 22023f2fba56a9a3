import type { Capture } from '../capture.js'
import type { OpFigure } from './host.js'

/** Ops, per iteration; those that lie across an await are ops of their own kind, and marked so by their path. */
export function opFigures(capture: Capture, iterations: number): OpFigure[] {
  const ops = capture.ops().map(({ path, calls, totalNs, gpuNs }) => ({ path, calls, ns: totalNs, gpuNs }))
  const asyncs = capture.asyncOps().map(({ path, calls, totalNs, gpuNs }) => {
    return { path: [...path.slice(0, -1), `${path.at(-1)} (async)`], calls, ns: totalNs, gpuNs }
  })
  return [...ops, ...asyncs].map(({ path, calls, ns, gpuNs }) => {
    return { path, calls: calls / iterations, ns: ns / iterations, gpuNs: gpuNs / iterations }
  })
}
