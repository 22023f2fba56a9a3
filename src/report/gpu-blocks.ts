// What the report says of the GPU beside the op table: kernels, devices, idle time, memory.
import { type DeviceRow, deviceRows } from '../model/devices.js'
import { bytesText, countText, durationText, percentText, plural, rateText } from '../model/figure-text.js'
import { type GapGroup, gapGroups } from '../model/gaps.js'
import { type KernelRow, kernelRows } from '../model/kernels.js'
import { type MemoryRow, memoryRows } from '../model/memory.js'
import { printedName, printedPath } from '../model/names.js'
import type { ReportSource } from '../model/ops.js'
import type { GapCause } from '../native-tables.js'
import { type Fact, factLines } from './fact-lines.js'
import { TimeScale } from './number-text.js'
import type { Block } from './op-report.js'
import { type Column, type TableRow, tableLines } from './text-table.js'

const ALWAYS = Number.POSITIVE_INFINITY
// capture.kernels() has them all; the time is in the first few.
const MAX_KERNELS = 20
const MAX_GAP_GROUPS = 8
const MAX_MEMORY_ROWS = 20

export function kernelLines(source: ReportSource, width: number): Block {
  const kernels = kernelRows(source)
  const title = 'Kernel Summary'
  if (kernels.length === 0) return { title, lines: [] }
  const total = TimeScale.ofLargest(kernels.map(kernel => kernel.totalNs))
  const each = TimeScale.ofMedian(
    kernels.map(kernel => kernel.aveNs),
    kernels.reduce((ns, kernel) => Math.max(ns, kernel.maxNs), 0),
  )
  const block = [`per call in ${each.unit.name}`, `each in ${each.unit.name}`, each.unit.name]
  const hasOccupancy = kernels.some(kernel => kernel.occupancy !== undefined)
  const hasDevices = new Set(kernels.map(kernel => kernel.device)).size > 1
  const columns: Column[] = [
    { head: 'Kernel', keep: ALWAYS },
    { head: 'Calls', keep: ALWAYS },
    { head: `Total ${total.unit.name}`, keep: ALWAYS },
    { head: 'Min', keep: 1, block, isSpare: true },
    { head: 'Ave', keep: 7, block },
    { head: 'p99', keep: 5, block },
    { head: 'Max', keep: 3, block },
    { head: 'Ratio', keep: ALWAYS },
    ...(hasOccupancy
      ? [{ head: 'Occupancy', keep: 6 } as const, { head: 'Limit', keep: 4, align: 'left' } as const]
      : []),
  ]
  const nameOf = tableNames(kernels)
  const row = (kernel: KernelRow): TableRow => ({
    indent: 1,
    cells: [
      nameOf(kernel) + (hasDevices ? ` (GPU ${kernel.device})` : ''),
      countText(kernel.calls),
      total.cell(kernel.totalNs),
      each.cell(kernel.minNs),
      each.cell(kernel.aveNs),
      each.cell(kernel.p99Ns),
      each.cell(kernel.maxNs),
      percentText(kernel.ratio),
      ...(kernel.occupancy === undefined
        ? []
        : [percentText(kernel.occupancy.ratio), kernel.occupancy.limiter.replace('-', ' ')]),
    ],
  })
  const shown = kernels.slice(0, MAX_KERNELS)
  const rest = kernels.slice(MAX_KERNELS)
  const restNs = rest.reduce((ns, kernel) => ns + kernel.totalNs, 0)
  const restRatio = rest.reduce((ratio, kernel) => ratio + kernel.ratio, 0)
  return {
    title,
    note: 'GPU time of the kernels alone',
    lines: [
      ...tableLines(columns, shown.map(row), width),
      ...(rest.length > 0
        ? [`  … ${plural(rest.length, 'more kernel')}, ${durationText(restNs)} (${percentText(restRatio)})`]
        : []),
    ],
  }
}

/** Without the parameters, unless only they tell two kernels apart. */
function tableNames(kernels: readonly KernelRow[]): (kernel: KernelRow) => string {
  const fullNames = new Map<string, Set<string>>()
  for (const { name } of kernels) {
    const short = withoutParameters(name)
    fullNames.set(short, (fullNames.get(short) ?? new Set()).add(name))
  }
  return ({ name }) => {
    const short = withoutParameters(name)
    return kernelText(fullNames.get(short)!.size > 1 ? name : short)
  }
}

// A kernel returns nothing, and of its parameters a reader knows.
function withoutParameters(name: string): string {
  const end = name.endsWith(')') ? parametersAt(name) : name.length
  return name.slice(0, end).replace(/^void /, '')
}
function parametersAt(name: string): number {
  let depth = 0
  for (let at = name.length - 1; at > 0; at--) {
    if (name[at] === ')') depth++
    if (name[at] === '(' && --depth === 0) return at
  }
  return name.length
}

// No path: its slashes stay as they are.
const kernelText = (name: string): string => printedName(name).replaceAll('\\/', '/')

/** One block per GPU. */
export function deviceLines(source: ReportSource, width: number): Block[] {
  return deviceRows(source).map(device => ({
    title: `GPU ${device.device}${placeText(source, device)}${device.name === '' ? '' : ` ${printedName(device.name)}`}`,
    lines: factLines(deviceFacts(device), width),
  }))
}

/** Of a merged recording, ` (host-b GPU 0)`. */
function placeText({ view }: ReportSource, { process, ordinal }: DeviceRow): string {
  const host = process === undefined ? undefined : view.processes[process]?.host
  return host === undefined ? '' : ` (${host === '' ? '' : `${printedName(host)} `}GPU ${ordinal})`
}

function deviceFacts(device: DeviceRow): Fact[] {
  const facts: Fact[] = []
  if (device.multiprocessors !== undefined) {
    facts.push([
      'Device',
      [
        plural(device.multiprocessors, 'multiprocessor'),
        `compute ${device.computeCapability}`,
        ...(device.memoryBytes ? [`${bytesText(device.memoryBytes)}`] : []),
        ...(device.isMig ? ['MIG instance'] : []),
      ],
    ])
  }
  if (device.kernelCount + device.copyCount + device.fillCount === 0) {
    return [...facts, ['Busy', ['nothing ran on it']]]
  }
  facts.push(
    [
      'Busy',
      [
        `${percentText(device.busyRatio)} of its window of ${durationText(device.windowNs)}`,
        `${percentText(device.busyOfRecordedRatio)} of the recorded time`,
      ],
    ],
    [
      'Kernels',
      [
        `${countText(device.kernelCount)} in ${durationText(device.kernelNs)}`,
        ...(device.kernelCount > 0 ? [`${device.concurrency.toFixed(2)} at once`] : []),
        plural(device.streamCount, 'stream'),
      ],
    ],
  )
  if (device.copyCount + device.fillCount > 0) facts.push(['Copies', copyFigures(device)])
  if (device.gaps.count > 0) facts.push(['Idle', idleFigures(device)])
  if (device.launchLatency.count > 0) facts.push(['Launches', launchFigures(device)])
  if (device.syncs.count + device.blockingCopies.count > 0) {
    const { syncs, blockingCopies } = device
    facts.push([
      'Host waits',
      [
        ...(syncs.count > 0 ? [`${plural(syncs.count, 'sync')}, ${durationText(syncs.totalNs)}`] : []),
        ...(blockingCopies.count > 0
          ? [`${plural(blockingCopies.count, 'blocking copy call')}, ${durationText(blockingCopies.totalNs)}`]
          : []),
      ],
    ])
  }
  return facts
}

function copyFigures({
  copyCount,
  copyBytes,
  copyNs,
  fillCount,
  overlapRatio,
  pageableRatio,
  copies,
}: DeviceRow): string[] {
  const ways = (['toDevice', 'toHost', 'onDevice', 'peer'] as const).filter(way => copies[way].bytes > 0)
  const names = {
    toDevice: 'to the device',
    toHost: 'to the host',
    onDevice: 'on the device',
    peer: 'to other devices',
  }
  const isToOrFromHost = copies.toDevice.bytes + copies.toHost.bytes > 0
  return [
    `${countText(copyCount)} with ${bytesText(copyBytes)}${fillCount > 0 ? ` and ${plural(fillCount, 'fill')}` : ''} in ${durationText(copyNs)}`,
    `${percentText(overlapRatio)} of it beside kernels`,
    ...ways.map(way => `${bytesText(copies[way].bytes)} ${names[way]} at ${rateText(copies[way].bytesPerSecond)}`),
    ...(isToOrFromHost ? [`${percentText(pageableRatio)} pageable`] : []),
  ]
}

const CAUSES: Record<GapCause, string> = {
  launch: 'launches',
  sync: 'after a wait of the host',
  host: 'host busy elsewhere',
  pending: 'work pending',
  unknown: 'cause unknown',
}

function idleFigures({ gaps }: DeviceRow): string[] {
  const causes = (Object.keys(CAUSES) as GapCause[])
    .map(cause => ({ cause, ...gaps.byCause[cause] }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.totalNs - a.totalNs)
  return [
    `${plural(gaps.count, 'gap')}, ${durationText(gaps.totalNs)}`,
    ...causes.map(({ cause, count, totalNs }) => `${CAUSES[cause]} ${durationText(totalNs)} (${countText(count)})`),
  ]
}

function launchFigures({ launchLatency, launchBoundRatio, tinyKernels }: DeviceRow): string[] {
  const { p50Ns, p99Ns, negativeCount } = launchLatency
  return [
    `p50 ${durationText(Math.max(0, p50Ns))}`,
    `p99 ${durationText(Math.max(0, p99Ns))} from call to start`,
    ...(negativeCount > 0 ? [`${countText(negativeCount)} began before their call returned`] : []),
    `${percentText(launchBoundRatio)} found the GPU idle`,
    ...(tinyKernels.count > 0 ? [`${plural(tinyKernels.count, 'kernel')} below 5 µs`] : []),
  ]
}

export function gapLines(source: ReportSource, width: number): Block {
  const groups = gapGroups(source).filter(group => group.cause !== 'launch')
  const title = 'GPU Idle Time'
  if (groups.length === 0) return { title, lines: [] }
  const shown = groups.slice(0, MAX_GAP_GROUPS)
  const scale = TimeScale.ofLargest(shown.map(group => group.totalNs))
  const hasDevices = new Set(groups.map(group => group.device)).size > 1
  const columns: Column[] = [
    { head: 'Host meanwhile', keep: ALWAYS },
    { head: 'Cause', keep: ALWAYS, align: 'left' },
    { head: 'Gaps', keep: ALWAYS },
    { head: `Total ${scale.unit.name}`, keep: ALWAYS },
    { head: 'Longest', keep: 2 },
    { head: 'Next work', keep: 1, isSpare: true, align: 'left' },
    ...(hasDevices ? [{ head: 'GPU', keep: 3 }] : []),
  ]
  const row = (group: GapGroup): TableRow => ({
    indent: 1,
    cells: [
      hostText(group),
      group.cause,
      countText(group.count),
      scale.cell(group.totalNs),
      scale.cell(group.maxNs),
      shortName(group.next),
      ...(hasDevices ? [countText(group.device)] : []),
    ],
  })
  return { title, note: 'the longest gaps between work, by cause', lines: tableLines(columns, shown.map(row), width) }
}

function hostText({ cause, hostPath }: GapGroup): string {
  if (cause !== 'host' && cause !== 'sync') return '–'
  return hostPath.length > 0 ? printedPath(hostPath) : '(in no op)'
}

// A template's arguments tell little here and fill the line.
const MAX_NAME = 24
function shortName(name: string): string {
  const printed = kernelText(
    name
      .replace(/^void /, '')
      .replace(/[<(].*$/s, '')
      .trimEnd(),
  )
  return printed.length > MAX_NAME ? `${printed.slice(0, MAX_NAME - 1)}…` : printed
}

/** The columns of the original's memory report, and what was held at most. */
export function memoryLines(source: ReportSource, width: number): Block {
  const rows = memoryRows(source)
  const title = 'GPU Memory'
  if (rows.length === 0) return { title, lines: [] }
  const columns: Column[] = [
    { head: 'Event', keep: ALWAYS },
    { head: 'Memory', keep: 3, align: 'left' },
    { head: 'Allocations', keep: ALWAYS },
    { head: 'Bytes', keep: ALWAYS },
    { head: 'Releases', keep: 2 },
    { head: 'Bytes', keep: 1 },
  ]
  const row = (memory: MemoryRow): TableRow => ({
    indent: 1,
    cells: [
      memory.path.length > 0 ? printedPath(memory.path) : '(in no op)',
      memory.kind === 'device' ? `GPU ${memory.device}` : memory.kind,
      countText(memory.allocations),
      bytesText(memory.allocatedBytes),
      countText(memory.releases),
      bytesText(memory.releasedBytes),
    ],
  })
  const facts = deviceRows(source).flatMap(({ device, memory }): Fact[] =>
    memory === undefined
      ? []
      : [
          [
            `GPU ${device}`,
            [`peak ${bytesText(memory.peakBytes)}`, `${bytesText(memory.liveBytes)} still allocated at the end`],
          ],
        ],
  )
  const rest = rows.length - MAX_MEMORY_ROWS
  return {
    title,
    note: 'taken and given back while recording',
    lines: [
      ...tableLines(columns, rows.slice(0, MAX_MEMORY_ROWS).map(row), width),
      ...(rest > 0 ? [`  … ${plural(rest, 'more row')}`] : []),
      ...factLines(facts, width),
    ],
  }
}
