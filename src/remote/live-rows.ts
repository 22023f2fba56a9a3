// A second of a process, as a frame shows it.
import { hostname } from 'node:os'
import { basename } from 'node:path'

import { CATEGORIES, type EndedSpans } from '../binding.js'
import type { Capture } from '../capture.js'
import { DELAY_COUNTER, UTILIZATION_COUNTER } from '../model/loop-counters.js'
import { printedName, printedPath } from '../model/names.js'
import type { OpRow } from '../model/ops.js'
import { percentile } from '../model/percentiles.js'
import {
  type LiveDevice,
  type LiveFrame,
  type LiveRow,
  MAX_COPIES,
  MAX_DEVICES,
  MAX_KERNELS,
  MAX_OPS,
  MAX_REQUESTS,
  NO_ROW,
} from './live-frame.js'

/** What a frame is made of; `ended` is since the last one, `elapsedNs` ago. */
export interface LiveSecond {
  capture: Capture
  ended: readonly EndedSpans[]
  elapsedNs: number
}

/** All but what only the watch knows. */
export function frameOf({
  capture,
  ended,
  elapsedNs,
}: LiveSecond): Omit<LiveFrame, 'sequence' | 'watchers' | 'dropped'> {
  const { heapUsed, rss } = process.memoryUsage()
  const requests = ended.filter(group => isRequest(group) && !group.isInner)
  const allOps = opRowsOf(capture, ended)
  const kernels = capture.kernels()
  const [, program = ''] = process.argv
  return {
    atMs: Date.now(),
    windowNs: capture.durationNs,
    elapsedNs,
    program: basename(program),
    host: hostname(),
    pid: process.pid,
    spanCount: capture.spans.length,
    rssBytes: rss,
    heapBytes: heapUsed,
    ...loopOf(capture),
    ...gcOf(capture),
    noGpuReason: capture.gpu.available ? '' : (capture.gpu.reason ?? 'not-recorded'),
    request: together(requests),
    requests: byTime(requests.map(rowOf)).slice(0, MAX_REQUESTS),
    ops: byTime(allOps).slice(0, MAX_OPS),
    opCount: allOps.length,
    kernels: kernels.slice(0, MAX_KERNELS).map(({ name, calls, totalNs, p50Ns, p99Ns, maxNs }) => ({
      ...NO_ROW,
      ...{ name: printedName(name), calls, totalNs, p50Ns, p99Ns, maxNs, gpuNs: totalNs },
    })),
    kernelCount: kernels.length,
    copies: capture
      .copies()
      .rows.slice(0, MAX_COPIES)
      .map(({ name, calls, totalNs, gpuNs, bytes }) => ({
        ...NO_ROW,
        name: printedName(name),
        calls,
        totalNs,
        gpuNs,
        bytes,
      })),
    devices: devicesOf(capture),
  }
}

function opRowsOf(capture: Capture, ended: readonly EndedSpans[]): LiveRow[] {
  const byName = new Map<string, LiveRow>()
  const asyncPaths = new Set(capture.asyncOps().map(({ path }) => keyOf(path)))
  const inThread = new Set<string>()
  for (const op of capture.ops()) {
    if (op.category === 'gc') continue
    inThread.add(op.name)
    const name = printedPath(inItsThread(op.path, asyncPaths))
    byName.set(name, joined(byName.get(name), op))
  }
  // What was open across an await is in no row of the second before it ended.
  const across = ended.filter(group => (!isRequest(group) || group.isInner) && !inThread.has(group.name))
  return [...Array.from(byName, ([name, row]) => ({ ...row, name })), ...across.map(rowOf)]
}

/**
 * Without what is around it across an await: that may have begun before the second, and would then be missing in the
 * path, for some of the calls.
 */
function inItsThread(path: readonly string[], asyncPaths: ReadonlySet<string>): readonly string[] {
  for (let length = path.length - 1; length > 0; length--) {
    if (asyncPaths.has(keyOf(path.slice(0, length)))) return path.slice(length)
  }
  return path
}
const keyOf = (path: readonly string[]) => path.join('\0')

/** Percentiles of two rows cannot be joined: they are those of the one with more calls. */
function joined(row: LiveRow | undefined, op: OpRow): LiveRow {
  const { calls, totalNs, p50Ns, p99Ns, maxNs, gpuNs, unfinished: open } = op
  const own = { ...NO_ROW, calls, totalNs, p50Ns, p99Ns, maxNs, gpuNs, open }
  if (row === undefined) return own
  return {
    ...(own.calls > row.calls ? own : row),
    calls: row.calls + calls,
    totalNs: row.totalNs + totalNs,
    gpuNs: row.gpuNs + gpuNs,
    maxNs: Math.max(row.maxNs, maxNs),
    open: row.open + open,
  }
}

function rowOf({ name, calls, totalNs, maxNs, durationsNs, open, oldestNs }: EndedSpans): LiveRow {
  const row = { ...NO_ROW, name: printedName(name), calls, totalNs, maxNs, open, oldestNs }
  return { ...row, ...percentilesOf(durationsNs) }
}
function together(groups: readonly EndedSpans[]): LiveRow {
  const durations = new Float64Array(groups.reduce((count, { durationsNs }) => count + durationsNs.length, 0))
  const sum = { ...NO_ROW }
  let at = 0
  for (const { calls, totalNs, maxNs, open, oldestNs, durationsNs } of groups) {
    durations.set(durationsNs, at)
    at += durationsNs.length
    sum.calls += calls
    sum.totalNs += totalNs
    sum.open += open
    sum.maxNs = Math.max(sum.maxNs, maxNs)
    sum.oldestNs = Math.max(sum.oldestNs, oldestNs)
  }
  return { ...sum, ...percentilesOf(durations) }
}
function percentilesOf(durationsNs: Float64Array): { p50Ns: number; p99Ns: number } {
  if (durationsNs.length === 0) return { p50Ns: 0, p99Ns: 0 }
  const sorted = durationsNs.toSorted()
  return { p50Ns: percentile(sorted, 0.5), p99Ns: percentile(sorted, 0.99) }
}
const isRequest = ({ category }: EndedSpans) => CATEGORIES[category] === 'request'
const byTime = (rows: readonly LiveRow[]) => rows.toSorted((a, b) => b.totalNs - a.totalNs || b.oldestNs - a.oldestNs)

function loopOf(capture: Capture): Pick<LiveFrame, 'utilizationPermille' | 'delayMeanNs' | 'delayMaxNs'> {
  const counters = capture.counters()
  const valuesOf = (counter: string) => counters.filter(({ name }) => name === counter).map(({ value }) => value)
  const delays = valuesOf(DELAY_COUNTER)
  return {
    utilizationPermille: meanOf(valuesOf(UTILIZATION_COUNTER)) * 1000,
    delayMeanNs: meanOf(delays),
    delayMaxNs: Math.max(0, ...delays),
  }
}
function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
}

function gcOf(capture: Capture): Pick<LiveFrame, 'gcCount' | 'gcNs'> {
  const rows = capture.ops().filter(({ category }) => category === 'gc')
  return {
    gcCount: rows.reduce((count, { calls }) => count + calls, 0),
    gcNs: rows.reduce((ns, { totalNs }) => ns + totalNs, 0),
  }
}

function devicesOf(capture: Capture): LiveDevice[] {
  return capture
    .devices()
    .slice(0, MAX_DEVICES)
    .map(({ device, name, busyOfRecordedRatio }) => ({
      name: printedName(name || `GPU ${device}`),
      busyPermille: busyOfRecordedRatio * 1000,
    }))
}
