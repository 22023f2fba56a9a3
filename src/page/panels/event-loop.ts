// What the event loops did while ops ran, and garbage collections.

import type { GcFigures, LoopFigures } from '../../model/event-loop.js'
import { bytesText, durationText, percentText, plural } from '../../model/figure-text.js'
import { printedText } from '../../model/names.js'
import type { PageModel } from '../page-model.js'
import { dataTable } from './data-table.js'
import { element, fillSection } from './dom.js'
import { countColumn, textColumn, timeColumn } from './figures.js'

export function mountEventLoop(model: PageModel): void {
  const { loops, gc } = model.eventLoop
  if (loops.length === 0 && gc.count === 0) return
  fillSection(
    'event-loop',
    ...loops.flatMap(loop => [element('h3', {}, threadTitle(loop.thread, model)), loopFacts(loop)]),
    ...(gc.count === 0 ? [] : collections(model)),
  )
}

function threadTitle(thread: number, { threads }: PageModel): string {
  const { name = '', jsThreadId = -1 } = threads[thread] ?? {}
  return name !== '' ? printedText(name) : jsThreadId === 0 ? 'main' : `thread ${thread}`
}

function loopFacts({ delay, utilization, memory }: LoopFigures): HTMLElement {
  const facts: [string, string][] = []
  if (delay !== undefined) {
    const { p50Ns, p99Ns, maxNs, samples } = delay
    const figures = `p50 ${durationText(p50Ns)}, p99 ${durationText(p99Ns)}, max ${durationText(maxNs)}`
    facts.push(['delay', `${figures} of ${plural(samples, 'sample')}`])
  }
  if (utilization !== undefined) {
    facts.push(['busy', `${percentText(utilization.mean)} on average, ${percentText(utilization.max)} at most`])
  }
  for (const { name, firstBytes, lastBytes, peakBytes } of memory) {
    facts.push([
      name,
      `${bytesText(firstBytes)} at first, ${bytesText(lastBytes)} at last, ${bytesText(peakBytes)} at most`,
    ])
  }
  const list = element('dl', { class: 'selection' })
  for (const [label, text] of facts) list.append(element('dt', {}, label), element('dd', {}, text))
  return list
}

function collections({ eventLoop: { gc }, durationNs }: PageModel): HTMLElement[] {
  const share = durationNs > 0 ? `, ${percentText(gc.totalNs / durationNs)} of the recording` : ''
  const text = `${plural(gc.count, 'pause')}, ${durationText(gc.totalNs)} in all${share}, ${durationText(gc.maxNs)} at most.`
  return [
    element('h3', {}, 'Garbage collection'),
    element('p', { class: 'note' }, text),
    dataTable<GcFigures>({
      label: 'Garbage collections by kind',
      rows: gc.kinds,
      columns: [
        textColumn('Kind', row => row.name),
        countColumn('Count', row => row.count),
        timeColumn('Total', row => row.totalNs),
        timeColumn('Max', row => row.maxNs),
      ],
    }),
  ]
}
