// What is selected on the timeline, told: name, path, times, thread, attributes, and what launched or was launched.
import { bytesText, durationText, percentText, plural, rateText } from '../../model/figure-text.js'
import { cutPath, printedName, printedPath, printedText } from '../../model/names.js'
import type { Selected } from '../page-state.js'
import {
  FLAG_ASYNC,
  FLAG_ERROR,
  FLAG_UNFINISHED,
  GPU_COPY,
  GPU_FILL,
  GPU_KERNEL,
  GPU_SYNC,
  MEMORY_KINDS,
  type PageRecording,
  threadName,
} from '../recording.js'
import type { PanelContext } from './context.js'
import { DetailIndex } from './detail-index.js'
import { button, byId, element, fillSection } from './dom.js'
import type { SpanPaths } from './range/span-paths.js'

type Fact = [label: string, value: string | Node]
interface Told {
  kind: string
  name: string
  startNs: number
  durationNs: number
  facts: Fact[]
  jumps: [text: string, to: NonNullable<Selected>][]
}

// More buttons than these are a list nobody walks; the timeline draws the arrows to all of them.
const MOST_JUMPS = 12

export function mountDetails(context: PanelContext, recording: PageRecording, paths: () => SpanPaths): void {
  const index = new DetailIndex(recording)
  const show = (selected: Selected): void => {
    if (selected === undefined) byId('details').hidden = true
    else showTold(context, recording, tell(selected, recording, paths(), index))
  }
  context.state.watch(({ selected }, before) => {
    if (selected !== before.selected) show(selected)
  })
  show(context.state.fields.selected)
}

function showTold(context: PanelContext, recording: PageRecording, told: Told): void {
  const { startNs, durationNs } = told
  const facts: Fact[] = [
    [told.kind, element('strong', {}, printedText(told.name))],
    ...told.facts,
    ['start', durationText(startNs)],
    ...(told.kind === 'mark'
      ? []
      : ([['duration', `${durationText(durationNs)}${shareOf(durationNs, recording)}`]] as Fact[])),
  ]
  const list = element('dl', { class: 'selection' })
  for (const [label, value] of facts) list.append(element('dt', {}, label), element('dd', {}, value))
  const jumps = told.jumps.slice(0, MOST_JUMPS).map(([text, to]) =>
    element(
      'li',
      {},
      button(text, () => {
        context.state.change({ selected: to })
        const target = timesOf(to, recording)
        context.showTime({ startNs: target.startNs, endNs: target.startNs + target.durationNs })
      }),
    ),
  )
  const left = told.jumps.length - jumps.length
  if (left > 0) jumps.push(element('li', { class: 'quiet' }, `and ${plural(left, 'other')}`))
  const range = { startNs, endNs: startNs + Math.max(1, durationNs) }
  fillSection(
    'details',
    list,
    element(
      'ul',
      { class: 'jumps tools' },
      element(
        'li',
        {},
        button('Zoom to it', () => context.showTime(range)),
      ),
      told.kind === 'mark'
        ? undefined
        : element(
            'li',
            {},
            button('Tables of its time', () => context.state.change({ range })),
          ),
      ...jumps,
    ),
  )
}

function shareOf(durationNs: number, recording: PageRecording): string {
  return recording.durationNs > 0 ? ` (${percentText(durationNs / recording.durationNs)} of the recording)` : ''
}

function timesOf(
  { kind, row }: NonNullable<Selected>,
  recording: PageRecording,
): { startNs: number; durationNs: number } {
  if (kind === 'mark') return { startNs: recording.marks.atNs[row]!, durationNs: 0 }
  const columns = { span: recording.spans, launch: recording.launches, gpu: recording.gpu }[kind]
  return { startNs: columns.startNs[row]!, durationNs: columns.durationNs[row]! }
}

function tell(selected: NonNullable<Selected>, recording: PageRecording, paths: SpanPaths, index: DetailIndex): Told {
  const times = timesOf(selected, recording)
  const { kind, row } = selected
  if (kind === 'span') return { ...tellSpan(row, recording, paths, index), ...times }
  if (kind === 'launch') return { ...tellLaunch(row, recording, paths, index), ...times }
  if (kind === 'gpu') return { ...tellGpu(row, recording, paths), ...times }
  const name = recording.names[recording.marks.name[row]!]!.text
  const span = recording.marks.span[row]!
  const facts: Fact[] = [['thread', threadText(recording.marks.thread[row]!, recording)], ...inOp(span, paths)]
  return { kind: 'mark', name, facts, jumps: toSpan(span, paths), ...times }
}

type Part = Omit<Told, 'startNs' | 'durationNs'>

function tellSpan(row: number, recording: PageRecording, paths: SpanPaths, index: DetailIndex): Part {
  const { names, spans } = recording
  const { text, instance } = names[spans.name[row]!]!
  const flags = spans.flags[row]!
  const states = [
    [FLAG_ASYNC, 'async'],
    [FLAG_ERROR, 'failed'],
    [FLAG_UNFINISHED, 'still open at the end'],
  ] as const
  const state = states.flatMap(([flag, word]) => ((flags & flag) !== 0 ? [word] : []))
  const launches = index.launchesOf(row)
  const jumps = launches.map((launch): Part['jumps'][number] => [
    `→ ${printedText(recording.strings[recording.launches.name[launch]!]!)}`,
    { kind: 'launch', row: launch },
  ])
  return {
    kind: 'span',
    name: text,
    facts: [
      ['path', pathOf(row, paths)],
      ['thread', threadText(index.threadOf(row), recording)],
      ...(instance === '' ? [] : [['instance', printedText(instance)] satisfies Fact]),
      ...(state.length > 0 ? [['state', state.join(', ')] satisfies Fact] : []),
      ...index.attributesOf(row).map(([key, value]): Fact => [printedText(key), printedText(value)]),
    ],
    jumps: [...toSpan(spans.parent[row]!, paths, 'around it: '), ...jumps],
  }
}

function tellLaunch(row: number, recording: PageRecording, paths: SpanPaths, index: DetailIndex): Part {
  const { launches, strings, gpu } = recording
  const caused = index.workOf(row)
  return {
    kind: 'launch',
    name: strings[launches.name[row]!]!,
    facts: [
      ['thread', threadText(launches.thread[row]!, recording)],
      ...inOp(launches.span[row]!, paths),
      ['caused', caused.length === 0 ? 'no GPU work that was recorded' : plural(caused.length, 'GPU row')],
    ],
    jumps: [
      ...caused.map((work): Part['jumps'][number] => [
        `→ ${printedText(strings[gpu.name[work]!]!)}`,
        { kind: 'gpu', row: work },
      ]),
      ...toSpan(launches.span[row]!, paths),
    ],
  }
}

const GPU_KINDS = { [GPU_KERNEL]: 'kernel', [GPU_COPY]: 'copy', [GPU_FILL]: 'fill', [GPU_SYNC]: 'wait' } as const

function tellGpu(row: number, recording: PageRecording, paths: SpanPaths): Part {
  const { gpu, launches, strings } = recording
  const kind = gpu.kind[row]!
  const launch = gpu.launch[row]!
  const bytes = gpu.bytes[row]!
  const facts: Fact[] = [['place', `GPU ${gpu.device[row]}, context ${gpu.context[row]}, stream ${gpu.stream[row]}`]]
  if (kind === GPU_COPY || kind === GPU_FILL) {
    const rate = rateText((bytes * 1e9) / gpu.durationNs[row]!)
    facts.push([
      'bytes',
      `${bytesText(bytes)}${rate === '' || !Number.isFinite(bytes / gpu.durationNs[row]!) ? '' : `, ${rate}`}`,
    ])
  }
  if (kind === GPU_COPY) facts.push(['between', `${MEMORY_KINDS[gpu.from[row]!]} → ${MEMORY_KINDS[gpu.to[row]!]}`])
  if (launch >= 0) {
    const afterNs = gpu.startNs[row]! - (launches.startNs[launch]! + launches.durationNs[launch]!)
    const text = afterNs >= 0 ? `${durationText(afterNs)} after its launch returned` : 'before its launch returned'
    facts.push(['began', text])
  } else facts.push(['launch', 'not recorded'])
  return {
    kind: GPU_KINDS[kind as keyof typeof GPU_KINDS] ?? 'GPU work',
    name: strings[gpu.name[row]!]!,
    facts: [...facts, ...inOp(gpu.span[row]!, paths)],
    jumps: [
      ...(launch >= 0
        ? [
            [
              `← ${printedText(strings[launches.name[launch]!]!)}`,
              { kind: 'launch', row: launch },
            ] as Part['jumps'][number],
          ]
        : []),
      ...toSpan(gpu.span[row]!, paths),
    ],
  }
}

function inOp(span: number, paths: SpanPaths): Fact[] {
  return [['op', span < 0 ? 'none that was recorded' : pathOf(span, paths)]]
}
function toSpan(span: number, paths: SpanPaths, before = 'op: '): Part['jumps'] {
  if (span < 0) return []
  return [[`${before}${printedName(paths.labels[paths.ofSpan[span]!]!)}`, { kind: 'span', row: span }]]
}

function pathOf(span: number, paths: SpanPaths): string {
  const path: string[] = []
  for (let at = paths.ofSpan[span]!; at >= 0; at = paths.parent[at]!) path.push(paths.labels[at]!)
  return printedPath(cutPath(path.reverse()))
}

function threadText(thread: number, { threads, processes }: PageRecording): string {
  const { osThreadId, process } = threads[thread]!
  const name = threadName(threads[thread]!, thread)
  const number = osThreadId > 0 && name !== `thread ${osThreadId}` ? ` (${osThreadId})` : ''
  const ofProcess = processes.length > 1 ? ` of ${printedText(processes[process]!.name)} ${processes[process]!.id}` : ''
  return `${printedText(name)}${number}${ofProcess}`
}
