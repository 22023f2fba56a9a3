// What the GPUs did, by kernel, device, gap, wait and memory: the tables of the report.

import type { DeviceRow } from '../../model/devices.js'
import { bytesText, countText, durationText, percentText, plural } from '../../model/figure-text.js'
import type { GapRow } from '../../model/gaps.js'
import type { KernelRow } from '../../model/kernels.js'
import type { MemoryRow } from '../../model/memory.js'
import { printedText } from '../../model/names.js'
import type { SyncRow } from '../../model/syncs.js'
import type { PageModel } from '../page-model.js'
import type { PanelContext } from './context.js'
import { dataTable } from './data-table.js'
import { element, fillSection, setShare } from './dom.js'
import { bytesColumn, codeColumn, countColumn, pathColumn, shareColumn, textColumn, timeColumn } from './figures.js'

export function mountGpuTables(context: PanelContext): void {
  const { model, state } = context
  if (model.devices.length === 0) {
    fillSection('devices', element('p', { class: 'quiet' }, noGpuText(model)))
    return
  }
  mountKernels(model, name => state.change({ search: name }))
  mountDevices(model)
  mountGaps(context)
  mountWaits(model)
  mountMemory(model)
}

export function noGpuText({ state, gpu }: PageModel): string {
  if (state === 'CPU') return 'The GPU was not recorded: the state is CPU.'
  if (gpu.available) return 'A GPU was there and did nothing while the recording ran.'
  return `No GPU was recorded: ${printedText(gpu.reason ?? 'unknown reason')}.`
}

const severalDevices = (rows: readonly { device: number }[]): boolean => new Set(rows.map(row => row.device)).size > 1

function mountKernels({ kernels }: PageModel, search: (name: string) => void): void {
  if (kernels.length === 0) return
  const hasShapes = kernels.some(kernel => kernel.occupancy !== undefined)
  fillSection(
    'kernels',
    element('p', { class: 'note' }, 'All calls of one kernel. Host is the time of the API calls that launched it.'),
    dataTable<KernelRow>({
      label: 'Kernels of the whole recording',
      rows: kernels,
      columns: [
        codeColumn('Kernel', row => row.name),
        ...(severalDevices(kernels) ? [countColumn<KernelRow>('GPU', row => row.device)] : []),
        countColumn('Calls', row => row.calls),
        timeColumn('Total', row => row.totalNs),
        timeColumn('Ave', row => row.aveNs),
        timeColumn('p50', row => row.p50Ns),
        timeColumn('p99', row => row.p99Ns),
        timeColumn('Max', row => row.maxNs),
        timeColumn('Host', row => row.launchNs),
        ...(hasShapes ? shapeColumns() : []),
        shareColumn('Ratio', row => row.ratio, 'Of the time of all kernels'),
      ],
      action: { text: 'Find', run: row => search(row.name) },
    }),
  )
}
function shapeColumns() {
  return [
    {
      head: 'Shape',
      title: 'Grid × block, of the first call',
      value: (row: KernelRow) => row.grid.join(',') + row.block.join(','),
      cell: (row: KernelRow) => (row.configurations === 0 ? '–' : `${sides(row.grid)} × ${sides(row.block)}`),
    },
    {
      head: 'Occupancy',
      title: 'Warps that fit, of those that a multiprocessor holds, and what keeps more off',
      value: (row: KernelRow) => row.occupancy?.ratio ?? -1,
      cell: ({ occupancy }: KernelRow) =>
        occupancy === undefined ? '–' : `${percentText(occupancy.ratio)} (${occupancy.limiter})`,
    },
  ]
}
const sides = (shape: readonly number[]): string => shape.filter((side, at) => at === 0 || side > 1).join('·')

function mountDevices({ devices }: PageModel): void {
  const facts: [label: string, text: (row: DeviceRow) => string | undefined][] = [
    ['busy', row => `${percentText(row.busyRatio)} of its window of ${durationText(row.windowNs)}`],
    ['of the recorded time', row => percentText(row.busyOfRecordedRatio)],
    [
      'kernels',
      row => `${countText(row.kernelCount)} in ${durationText(row.kernelNs)}, ${row.concurrency.toFixed(2)} at once`,
    ],
    ['streams', row => countText(row.streamCount)],
    [
      'copies',
      row =>
        `${countText(row.copyCount)} of ${bytesText(row.copyBytes)}, ${percentText(row.overlapRatio)} beside a kernel`,
    ],
    [
      'pageable',
      row =>
        row.pageableRatio > 0 ? `${percentText(row.pageableRatio)} of the bytes from and to the host` : undefined,
    ],
    ['fills', row => (row.fillCount > 0 ? countText(row.fillCount) : undefined)],
    ['launch to start', row => latencyText(row)],
    ['launch-bound', row => `${percentText(row.launchBoundRatio)} of the kernels began within 5 µs on an idle GPU`],
    [
      'below 5 µs',
      row =>
        row.tinyKernels.count > 0
          ? `${plural(row.tinyKernels.count, 'kernel')} (${percentText(row.tinyKernels.ratio)}), launched in ${durationText(row.tinyKernels.launchNs)}`
          : undefined,
    ],
    ['host waited', row => `${durationText(row.syncs.totalNs)} in ${plural(row.syncs.count, 'call')}`],
    [
      'blocking copies',
      row =>
        row.blockingCopies.count > 0
          ? `${durationText(row.blockingCopies.totalNs)} in ${plural(row.blockingCopies.count, 'call')}`
          : undefined,
    ],
    ['idle', row => `${durationText(row.gaps.totalNs)} in ${plural(row.gaps.count, 'gap')}`],
    [
      'memory',
      row =>
        row.memory && `${bytesText(row.memory.peakBytes)} at most, ${bytesText(row.memory.liveBytes)} not released`,
    ],
  ]
  const parts = devices.flatMap(device => {
    const list = element('dl', { class: 'selection' })
    for (const [label, textOf] of facts) {
      const text = textOf(device)
      if (text !== undefined) list.append(element('dt', {}, label), element('dd', {}, text))
    }
    return [element('h3', {}, deviceTitle(device)), list]
  })
  fillSection('devices', ...parts)
}
function latencyText({ launchLatency: { count, p50Ns, p99Ns, negativeCount } }: DeviceRow): string | undefined {
  if (count === 0) return undefined
  const early = negativeCount > 0 ? `, ${countText(negativeCount)} began before the return` : ''
  return `p50 ${durationText(p50Ns)}, p99 ${durationText(p99Ns)}${early}`
}
function deviceTitle({ device, name, computeCapability, multiprocessors, memoryBytes }: DeviceRow): string {
  const about = [
    ...(computeCapability === undefined ? [] : [`compute ${printedText(computeCapability)}`]),
    ...(multiprocessors === undefined ? [] : [plural(multiprocessors, 'multiprocessor')]),
    ...(memoryBytes === undefined ? [] : [bytesText(memoryBytes)]),
  ]
  const title = `GPU ${device}${name === '' ? '' : `: ${printedText(name)}`}`
  return about.length === 0 ? title : `${title} (${about.join(', ')})`
}

const CAUSES = [
  ['launch', 'gc', 'the launch itself, below 5 µs'],
  ['sync', 'sync', 'the host waited for the GPU before it launched more'],
  ['host', 'host', 'the host launched more only later'],
  ['pending', 'copy', 'the next work had been launched and waited on the GPU’s side'],
  ['unknown', 'rest', 'the launch of the next work was not recorded'],
] as const

function mountGaps(context: PanelContext): void {
  const { gaps, devices } = context.model
  const count = devices.reduce((sum, device) => sum + device.gaps.count, 0)
  if (count === 0) return
  const totalNs = devices.reduce((sum, device) => sum + device.gaps.totalNs, 0)
  const causes = CAUSES.map(([cause, colour, text]) => ({
    cause,
    colour,
    text,
    count: devices.reduce((sum, device) => sum + device.gaps.byCause[cause].count, 0),
    totalNs: devices.reduce((sum, device) => sum + device.gaps.byCause[cause].totalNs, 0),
  })).filter(cause => cause.count > 0)
  const bars = causes.map(cause => {
    const bar = element('span', { class: `colour-${cause.colour}` })
    setShare(bar, cause.totalNs / totalNs)
    return bar
  })
  const legend = causes.map(cause =>
    element(
      'li',
      { class: `colour-${cause.colour}` },
      `${cause.cause}: ${durationText(cause.totalNs)} (${percentText(cause.totalNs / totalNs)}) in ` +
        `${plural(cause.count, 'gap')}, ${cause.text}`,
    ),
  )
  const longest = gaps.length < count ? ` The ${countText(gaps.length)} longest are listed.` : ''
  fillSection(
    'gaps',
    element('p', { class: 'note' }, `${durationText(totalNs)} without work in ${plural(count, 'gap')}.${longest}`),
    element('div', { class: 'stack', 'aria-hidden': 'true' }, ...bars),
    element('ul', { class: 'legend column' }, ...legend),
    dataTable<GapRow>({
      label: 'GPU gaps, the longest first',
      rows: gaps,
      rowsAtFirst: 12,
      columns: [
        timeColumn('Start', row => row.startNs),
        timeColumn('Duration', row => row.durationNs),
        ...(severalDevices(gaps) ? [countColumn<GapRow>('GPU', row => row.device)] : []),
        textColumn('Cause', row => row.cause),
        timeColumn('Host', row => row.hostNs, 'Of the gap, until the host began the next launch'),
        pathColumn('Meanwhile in', row => row.hostPath, 'The op that the launching thread was in'),
        textColumn('After', row => row.before.name, true),
        textColumn('Before', row => row.after.name, true),
      ],
      action: { text: 'Timeline', run: row => context.showTime(row) },
    }),
  )
}

function mountWaits({ syncs }: PageModel): void {
  if (syncs.length === 0) return
  fillSection(
    'waits',
    element(
      'p',
      { class: 'note' },
      'Calls in which the host waited for a GPU. A Stream Wait Event keeps a stream waiting, not the host.',
    ),
    dataTable<SyncRow>({
      label: 'Waits for the GPU',
      rows: syncs,
      columns: [
        textColumn('Wait', row => row.name),
        pathColumn('In op', row => row.path),
        countColumn('Count', row => row.count),
        timeColumn('Total', row => row.totalNs),
        timeColumn('Max', row => row.maxNs),
      ],
    }),
  )
}

function mountMemory({ memory }: PageModel): void {
  if (memory.length === 0) return
  fillSection(
    'memory',
    dataTable<MemoryRow>({
      label: 'Allocations of GPU memory',
      rows: memory,
      columns: [
        pathColumn('In op', row => row.path),
        ...(severalDevices(memory) ? [countColumn<MemoryRow>('GPU', row => row.device)] : []),
        textColumn('Kind', row => row.kind),
        countColumn('Allocations', row => row.allocations),
        bytesColumn('Allocated', row => row.allocatedBytes),
        countColumn('Releases', row => row.releases),
        bytesColumn('Released', row => row.releasedBytes),
      ],
    }),
  )
}
