// The section of the flame graph: of the host's or the GPUs' time, of the whole or of the selected range. What it needs
// is computed when it first comes into view.
import { durationText, percentText } from '../../../model/figure-text.js'
import { printedText } from '../../../model/names.js'
import type { TimeRange } from '../../page-state.js'
import type { PageRecording } from '../../recording.js'
import type { PanelContext } from '../context.js'
import { choice, element, fillSection } from '../dom.js'
import { rangeOps } from '../range/range-ops.js'
import type { SpanPaths } from '../range/span-paths.js'
import { FlameChart } from './flame-chart.js'
import { type FlameTree, gpuTree, hostTree } from './flame-tree.js'

type Clock = 'Host time' | 'GPU time'

export function mountFlame(context: PanelContext, recording: PageRecording, paths: () => SpanPaths): void {
  if (context.model.ops.length === 0) return
  const hasGpu = context.model.ops.some(op => op.gpuNs > 0)
  const section = new FlameSection(context, recording, paths)
  const clocks = choice<Clock>('Time', ['Host time', 'GPU time'], 'Host time', clock => section.choose(clock))
  const note =
    'Width is time; what is inside stands below. Click or Enter zooms in, once more or Escape out; arrows walk.'
  fillSection(
    'flame',
    element('p', { class: 'note print-hidden' }, note),
    hasGpu ? element('div', { class: 'tools' }, clocks) : undefined,
    section.summary,
    section.body,
  )
  section.watch()
}

class FlameSection {
  readonly body = element('div')
  /** What the picture says, in words. */
  readonly summary = element('p', { class: 'flame-summary' })
  readonly #context: PanelContext
  readonly #recording: PageRecording
  readonly #paths: () => SpanPaths
  #chart: FlameChart | undefined
  #clock: Clock = 'Host time'
  #isSeen = false

  constructor(context: PanelContext, recording: PageRecording, paths: () => SpanPaths) {
    this.#context = context
    this.#recording = recording
    this.#paths = paths
  }

  watch(): void {
    const seen = new IntersectionObserver(entries => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) this.#begin(() => seen.disconnect())
    })
    seen.observe(this.body.parentElement!)
    matchMedia('print').addEventListener('change', () => this.#begin(() => seen.disconnect()))
    this.#context.state.watch(({ range, search }, before) => {
      if (!this.#isSeen) return
      if (range !== before.range) this.#show()
      if (search !== before.search) this.#chart?.search(search)
    })
  }
  choose(clock: Clock): void {
    this.#clock = clock
    if (this.#isSeen) this.#show()
  }

  #begin(stopWatching: () => void): void {
    stopWatching()
    if (this.#isSeen) return
    this.#isSeen = true
    this.#show()
    this.#chart?.search(this.#context.state.fields.search)
  }

  #show(): void {
    const { model, state } = this.#context
    const whole: TimeRange = { startNs: 0, endNs: Math.max(1, model.durationNs) }
    const range = state.fields.range ?? whole
    const ops = rangeOps(this.#recording, this.#paths(), range, model.state)
    const isHost = this.#clock === 'Host time'
    const tree = isHost ? hostTree(ops) : gpuTree(ops, this.#recording, this.#paths(), range)
    const unit = isHost ? 'host time' : 'GPU time'
    const where =
      state.fields.range === undefined
        ? 'the whole recording'
        : `the range from ${durationText(range.startNs)} to ${durationText(range.endNs)}`
    this.summary.textContent = summaryOf(tree, unit, where)
    if (this.#chart === undefined) {
      this.#chart = new FlameChart(tree, unit)
      this.body.replaceChildren(this.#chart.element)
    } else this.#chart.show(tree, unit)
  }
}

const NAMED_IN_SUMMARY = 3

function summaryOf(tree: FlameTree, unit: string, where: string): string {
  const all = tree.values[0]!
  if (all === 0) return `No ${unit} in ${where}.`
  const top = [...tree.children.subarray(tree.first[0], tree.first[1])]
    .filter(node => tree.values[node]! > 0)
    .sort((a, b) => tree.values[b]! - tree.values[a]!)
  const widest = top
    .slice(0, NAMED_IN_SUMMARY)
    .map(node => `${printedText(tree.labels[node]!)} ${percentText(tree.values[node]! / all)}`)
  return `${durationText(all)} of ${unit} in ${where}: ${widest.join(', ')}${top.length > NAMED_IN_SUMMARY ? ', …' : ''}.`
}
