import { performance } from 'node:perf_hooks'

import { CATEGORIES, FLAG_UNFINISHED } from '../binding.js'
import type { Capture } from '../capture.js'
import { CallFailure } from './call-failure.js'
import type { MonitorResult } from './messages.js'
import { recordWindow } from './window.js'

export interface MonitorOptions {
  durationMs: number
  /** 1 or less: a few figures; 2 and more: all. */
  level: number
  hasTimestamp: boolean
  gone: AbortSignal
}
export interface MonitorReply {
  /** For people: a line each. */
  text: string
  result: MonitorResult
}

/** What the process did for so long, from a recording beside all others. @throws CallFailure CANCELLED */
export async function monitor({ durationMs, level, hasTimestamp, gone }: MonitorOptions): Promise<MonitorReply> {
  const before = performance.eventLoopUtilization()
  const ended = new AbortController().signal
  const window = await recordWindow({ durationMs, startMs: 0, ended, gone })
  if (window === undefined) throw new CallFailure('CANCELLED', 'The client did not wait for the figures.')
  const { utilization } = performance.eventLoopUtilization(before)
  const { capture } = window
  const seconds = capture.durationNs / 1e9
  const busyPercent = gpuBusyPercent(capture)
  const stepTimeMs = stepTimes(capture)
  const lines = [
    ...(hasTimestamp ? [`Timestamp: ${new Date().toTimeString().slice(0, 8)}`] : []),
    busyPercent === undefined ? 'GPU: not recorded' : `GPU busy: ${busyPercent.toFixed(1)}%`,
    `Event loop utilization: ${(utilization * 100).toFixed(1)}%`,
    `RSS: ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB`,
  ]
  if (level >= 2) {
    const copiedBytes = capture.copies().rows.reduce((sum, { bytes }) => sum + bytes, 0)
    const kernelCount = capture.kernels().reduce((sum, { calls }) => sum + calls, 0)
    if (stepTimeMs !== undefined) {
      const { average, min, max } = stepTimeMs
      lines.push(`Step time: ${ms(average)} (avg), ${ms(min)} (min), ${ms(max)} (max)`)
    }
    lines.push(
      `Kernels per second: ${Math.round(kernelCount / seconds)}`,
      `Memcpy: ${(copiedBytes / seconds / 1e9).toFixed(2)} GB/s`,
      `Dropped events: ${capture.dropped}`,
    )
  }
  const text = `${lines.map(line => `  ${line}`).join('\n')}\n`
  return { text, result: { deviceIdlePercent: busyPercent && 100 - busyPercent, stepTimeMs } }
}

/** Of all GPUs that did something, on average; undefined when none is recorded. */
function gpuBusyPercent(capture: Capture): number | undefined {
  if (!capture.gpu.available) return undefined
  const devices = capture.devices()
  const busyNs = devices.reduce((sum, device) => sum + device.busyNs, 0)
  return devices.length === 0 ? 0 : Math.min(100, (100 * busyNs) / devices.length / capture.durationNs)
}

/** Of the requests that ended, or where there are none of the inferences; what is inside one counts for nothing. */
function stepTimes(capture: Capture): MonitorResult['stepTimeMs'] {
  const { names, name, parent, flags, durationNs } = capture.spans
  const categoryOf = (row: number) => names[name[row] ?? 0]?.category
  for (const category of ['request', 'inference'] as const) {
    const index = CATEGORIES.indexOf(category)
    let count = 0
    let sum = 0
    let min = Number.POSITIVE_INFINITY
    let max = 0
    for (let row = 0; row < name.length; row++) {
      if (categoryOf(row) !== index || (flags[row]! & FLAG_UNFINISHED) !== 0) continue
      if (parent[row]! >= 0 && categoryOf(parent[row]!) === index) continue
      const timeMs = Number(durationNs[row]) / 1e6
      count += 1
      sum += timeMs
      min = Math.min(min, timeMs)
      max = Math.max(max, timeMs)
    }
    if (count > 0) return { average: sum / count, min, max }
  }
  return undefined
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 3 : 1)}ms`
}
