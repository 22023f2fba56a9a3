// Requests: how long they took, in which stages, and which were the slow ones.
import { countText, durationText, plural } from '../../../model/figure-text.js'
import { printedText } from '../../../model/names.js'
import { percentile } from '../../../model/percentiles.js'
import type { PageRecording } from '../../recording.js'
import { barChart } from '../bar-chart.js'
import type { PanelContext } from '../context.js'
import { dataTable } from '../data-table.js'
import { DetailIndex } from '../detail-index.js'
import { button, element, fillSection } from '../dom.js'
import { countColumn, textColumn, timeColumn } from '../figures.js'
import { type LogClasses, logClasses } from '../log-classes.js'
import type { SpanPaths } from '../range/span-paths.js'
import { type RequestKind, Requests } from './request-rows.js'
import { waterfall } from './waterfall.js'

const PERCENTILES = [0.5, 0.9, 0.99]
// A list that is longer is one that nobody reads to its end.
const MOST_LISTED = 1000
// Attributes of a traced request, worth a column.
const TOLD_ATTRIBUTES = ['model', 'outcome', 'request_id']

export function mountRequests(context: PanelContext, recording: PageRecording, paths: () => SpanPaths): void {
  // Without async spans there are none, and paths need not be found for that.
  if (recording.returns.row.length === 0 && context.model.asyncOps.length === 0) return
  const requests = new Requests(recording, paths())
  if (requests.kinds.length === 0) return
  const shown = element('div')
  const show = (kind: RequestKind): void => {
    shown.replaceChildren(new KindView(context, recording, requests, kind).element)
  }
  fillSection('requests', kindChoice(requests.kinds, show), shown)
  show(requests.kinds[0]!)
}

function kindChoice(kinds: readonly RequestKind[], show: (kind: RequestKind) => void): HTMLElement | undefined {
  if (kinds.length < 2) return undefined
  const select = element('select')
  for (const { name, spans } of kinds) {
    select.append(element('option', {}, `${printedText(name)} (${spans.length})`))
  }
  select.addEventListener('change', () => show(kinds[select.selectedIndex]!))
  return element('div', { class: 'tools' }, element('label', {}, 'Requests', select))
}

class KindView {
  readonly element: HTMLElement = element('div')
  readonly #context: PanelContext
  readonly #recording: PageRecording
  readonly #requests: Requests
  readonly #kind: RequestKind
  readonly #index: DetailIndex
  readonly #list = element('div')
  readonly #one = element('div')

  constructor(context: PanelContext, recording: PageRecording, requests: Requests, kind: RequestKind) {
    this.#context = context
    this.#recording = recording
    this.#requests = requests
    this.#kind = kind
    this.#index = new DetailIndex(recording)
    const { spans } = kind
    const [slowest] = this.#slowestOf(spans)
    const meanNs = kind.sortedNs.reduce((sum, ns) => sum + ns, 0) / spans.length
    const stages = requests.meanStages(kind)
    this.element.append(
      element('p', { class: 'note' }, this.#summary(meanNs)),
      ...(kind.sortedNs.at(-1)! > 0 ? this.#histogram() : []),
      element('h3', {}, `Stages of the mean request, ${durationText(meanNs)}`),
      stages.length > 0
        ? waterfall('Stages of the mean request', stages, meanNs, spans.length)
        : element('p', { class: 'quiet' }, 'Nothing was recorded inside of these requests.'),
      this.#one,
      this.#list,
    )
    this.#showOne(slowest!)
    this.#showList('The slowest', spans)
  }

  #summary(meanNs: number): string {
    const { sortedNs, name, spans } = this.#kind
    const parts = PERCENTILES.map(part => `p${part * 100} ${durationText(percentile(sortedNs, part))}`)
    return (
      `${plural(spans.length, 'request')} “${printedText(name)}”: mean ${durationText(meanNs)}, ${parts.join(', ')}, ` +
      `max ${durationText(sortedNs.at(-1)!)}. Times are those of the whole request, from its first moment to its last.`
    )
  }

  #durationOf(span: number): number {
    return this.#recording.spans.durationNs[span]!
  }
  /** At most {@link MOST_LISTED}; found without putting a million in order. */
  #slowestOf(spans: readonly number[]): number[] {
    const durations = Float64Array.from(spans, span => this.#durationOf(span)).sort()
    const least = durations.at(-MOST_LISTED) ?? 0
    return spans
      .filter(span => this.#durationOf(span) >= least)
      .sort((a, b) => this.#durationOf(b) - this.#durationOf(a))
      .slice(0, MOST_LISTED)
  }

  #histogram(): HTMLElement[] {
    const { spans, sortedNs } = this.#kind
    // 1 ns: a request of no time has no place on an axis of factors.
    const classes = logClasses(Math.max(1, sortedNs[0]!), Math.max(1, sortedNs.at(-1)!))
    const byClass = Array.from({ length: classes.count }, (): number[] => [])
    for (const span of spans) byClass[classes.classOf(Math.max(1, this.#durationOf(span)))]!.push(span)
    const pick = (at: number): void => {
      const title = `${durationText(classes.edge(at))} to ${durationText(classes.edge(at + 1))}`
      if (byClass[at]!.length > 0) this.#showList(title, byClass[at]!)
    }
    const fullest = byClass.reduce((best, list, at) => (list.length > byClass[best]!.length ? at : best), 0)
    const chart = barChart({
      title: 'Latency.',
      summary:
        `Most requests, ${byClass[fullest]!.length}, took ${durationText(classes.edge(fullest))} to ` +
        `${durationText(classes.edge(fullest + 1))}. Click a bar to list its requests.`,
      edgeText: edge => durationText(classes.edge(edge)),
      valueText: countText,
      series: [{ label: 'requests', colour: '--request', values: byClass.map(list => list.length) }],
      lines: PERCENTILES.map(part => {
        const ns = percentile(sortedNs, part)
        return { at: classes.placeOf(Math.max(1, ns)), label: `p${part * 100} ${durationText(ns)}` }
      }),
      onPick: pick,
    })
    return [chart, element('details', {}, element('summary', {}, 'As a table'), classTable(classes, byClass, pick))]
  }

  #showList(title: string, all: readonly number[]): void {
    const spans = this.#slowestOf(all)
    const { startNs } = this.#recording.spans
    const told = spans.map(span => new Map(this.#index.attributesOf(span)))
    const attributes = TOLD_ATTRIBUTES.filter(key => told.some(map => map.has(key)))
    const rows = spans.map((span, at) => ({ span, attributes: told[at]! }))
    type Row = (typeof rows)[number]
    const table = dataTable<Row>({
      label: `Requests: ${title}`,
      rows,
      rowsAtFirst: 10,
      columns: [
        timeColumn('Start', row => startNs[row.span]!),
        timeColumn('Duration', row => this.#durationOf(row.span)),
        ...attributes.map(key => textColumn<Row>(key, row => row.attributes.get(key) ?? '')),
        {
          head: 'Stages',
          isControl: true,
          value: row => row.span,
          cell: row => button('Show', () => this.#showOne(row.span), { class: 'link' }),
        },
      ],
      action: { text: 'Timeline', run: row => this.#jump(row.span) },
    })
    this.#list.replaceChildren(element('h3', {}, `${title}, ${listedText(spans.length, all.length)}`), table)
  }

  #showOne(span: number): void {
    const ns = this.#durationOf(span)
    const stages = this.#requests.stagesOf(span)
    const at = durationText(this.#recording.spans.startNs[span]!)
    this.#one.replaceChildren(
      element('h3', {}, `Stages of the request at ${at}, ${durationText(ns)}`),
      ...(stages.length > 0
        ? [waterfall(`Stages of the request at ${at}`, stages, ns)]
        : [element('p', { class: 'quiet' }, 'Nothing was recorded inside of it.')]),
    )
  }

  #jump(span: number): void {
    const startNs = this.#recording.spans.startNs[span]!
    this.#context.state.change({ selected: { kind: 'span', row: span } })
    this.#context.showTime({ startNs, endNs: startNs + Math.max(1, this.#durationOf(span)) })
  }
}

function listedText(listed: number, count: number): string {
  return listed === count ? plural(count, 'request') : `the ${countText(listed)} slowest of ${plural(count, 'request')}`
}

/** What a click on a bar does, for the keyboard. */
function classTable(classes: LogClasses, byClass: readonly number[][], pick: (at: number) => void): HTMLElement {
  const rows = byClass.map((spans, at) => ({ at, count: spans.length })).filter(row => row.count > 0)
  return dataTable<(typeof rows)[number]>({
    label: 'Requests by latency',
    rows,
    columns: [
      { head: 'From', value: row => row.at, cell: row => durationText(classes.edge(row.at)) },
      { head: 'To', value: row => row.at, cell: row => durationText(classes.edge(row.at + 1)) },
      countColumn('Requests', row => row.count),
    ],
    action: { text: 'List', run: row => pick(row.at) },
  })
}
