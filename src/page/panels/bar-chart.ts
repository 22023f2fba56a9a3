// Bars over classes of a size or a time, drawn by uPlot. Classes grow by a factor, so that each is equally wide: the x
// axis counts classes, and its labels say what their edges are. What a chart says is told as a sentence too, and every
// figure of it stands in a table beside it.
import uPlot from 'uplot'

import { token, watchTheme } from '../theme.js'
import { element } from './dom.js'

export interface BarSeries {
  label: string
  colour: `--${string}`
  /** By class. */
  values: readonly number[]
}
export interface BarChartOptions {
  title: string
  /** What the picture says, for those who do not see it. */
  summary: string
  /** Text of edge n, from 0 to the count of classes. */
  edgeText(edge: number): string
  valueText(value: number): string
  /** Steps of the value axis are powers of two, as bytes have them; else of ten. */
  isBinary?: boolean
  /** On each other. */
  series: readonly BarSeries[]
  /** Lines across, at places counted in classes. */
  lines?: readonly { at: number; label: string }[]
  /** A class was clicked. */
  onPick?(at: number): void
}

const HEIGHT_PX = 220
const POWERS_OF_TWO = Array.from({ length: 60 }, (_, power) => 2 ** power)
// Counts have no halves.
const WHOLE_STEPS = Array.from({ length: 15 }, (_, power) => [1, 2, 5].map(step => step * 10 ** power)).flat()
const EDGE_LABELS_PX = 72

export function barChart(options: BarChartOptions): HTMLElement {
  const caption = element('figcaption', {}, element('strong', {}, options.title), ` ${options.summary}`)
  const host = element('div', { class: 'plot', 'aria-hidden': 'true' })
  const told = element('p', { class: 'quiet plot-told', 'aria-hidden': 'true' })
  const legend = options.series.map(({ label, colour }) => {
    const item = element('li', {}, label)
    item.style.setProperty('--colour', `var(${colour})`)
    return item
  })
  const figure = element(
    'figure',
    { class: 'chart' },
    caption,
    host,
    told,
    options.series.length > 1 ? element('ul', { class: 'legend', 'aria-hidden': 'true' }, ...legend) : undefined,
  )
  drawWhenWide(host, options, at => {
    told.textContent = at === undefined ? '' : classText(options, at)
  })
  return figure
}

/** What the class under the pointer holds. */
function classText({ edgeText, valueText, series }: BarChartOptions, at: number): string {
  const parts = series
    .filter(({ values }) => values[at]! > 0)
    .map(({ label, values }) => `${valueText(values[at]!)} ${label}`)
  return `${edgeText(at)} to ${edgeText(at + 1)}: ${parts.join(', ') || 'none'}`
}

type Tell = (at: number | undefined) => void

function drawWhenWide(host: HTMLElement, options: BarChartOptions, tell: Tell): void {
  let plot: uPlot | undefined
  new ResizeObserver(() => {
    // uPlot knows its charts until they are destroyed; an observer is told when its element is replaced.
    if (!host.isConnected) {
      plot?.destroy()
      plot = undefined
    }
    const width = host.clientWidth
    if (width === 0) return
    if (plot === undefined) plot = draw(host, width, options, tell)
    else if (plot.width !== width) plot.setSize({ width, height: HEIGHT_PX })
  }).observe(host)
  watchTheme(host, () => plot?.redraw(false))
}

function draw(host: HTMLElement, width: number, options: BarChartOptions, tell: Tell): uPlot {
  const { series, edgeText, valueText, onPick } = options
  const classes = series[0]?.values.length ?? 0
  const sums = stacked(series)
  const axis = (): Pick<uPlot.Axis, 'stroke' | 'grid' | 'ticks' | 'font'> => ({
    stroke: () => token('--muted'),
    grid: { stroke: () => token('--line'), width: 1 },
    ticks: { stroke: () => token('--line'), width: 1, size: 4 },
    font: '11px system-ui, sans-serif',
  })
  const plot = new uPlot(
    {
      width,
      height: HEIGHT_PX,
      scales: { x: { time: false, range: () => [0, classes] }, y: { range: (_, __, most) => [0, most * 1.08 || 1] } },
      cursor: { points: { show: false }, drag: { x: false, y: false }, y: false },
      legend: { show: false },
      axes: [
        {
          ...axis(),
          grid: { show: false },
          size: 34,
          splits: chart => edges(classes, chart.bbox.width / devicePixelRatio),
          values: (_, at) => at.map(edgeText),
        },
        {
          ...axis(),
          size: 64,
          incrs: options.isBinary ? POWERS_OF_TWO : WHOLE_STEPS,
          values: (_, values) => values.map(valueText),
        },
      ],
      // The highest first: each next one covers what is below it.
      series: [
        {},
        ...series
          .map(({ label, colour }) => ({
            label,
            fill: () => token(colour),
            stroke: () => token('--bg'),
            width: 1,
            paths: uPlot.paths.bars!({ size: [1, Number.POSITIVE_INFINITY], align: 0 }),
            points: { show: false },
          }))
          .reverse(),
      ],
      hooks: {
        draw: [chart => drawLines(chart, options)],
        setCursor: [chart => tell(classAt(chart, chart.cursor.left ?? -1, classes))],
      },
    },
    [Array.from({ length: classes }, (_, at) => at + 0.5), ...sums.toReversed()],
    host,
  )
  if (onPick !== undefined) {
    plot.over.classList.add('picks')
    plot.over.addEventListener('click', event => {
      const at = classAt(plot, event.offsetX, classes)
      if (at !== undefined) onPick(at)
    })
  }
  return plot
}

function classAt(chart: uPlot, x: number, classes: number): number | undefined {
  const at = Math.floor(chart.posToVal(x, 'x'))
  return x >= 0 && at >= 0 && at < classes ? at : undefined
}

/** Series n with all before it. */
function stacked(series: readonly BarSeries[]): number[][] {
  const sums: number[][] = []
  for (const { values } of series) {
    const below = sums.at(-1)
    sums.push(values.map((value, at) => value + (below?.[at] ?? 0)))
  }
  return sums
}

function edges(classes: number, widthPx: number): number[] {
  const step = Math.max(1, Math.ceil((classes * EDGE_LABELS_PX) / Math.max(1, widthPx)))
  return Array.from({ length: Math.floor(classes / step) + 1 }, (_, at) => at * step)
}

function drawLines(chart: uPlot, { lines = [] }: BarChartOptions): void {
  const { ctx, bbox } = chart
  ctx.save()
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`
  ctx.strokeStyle = token('--fg')
  ctx.fillStyle = token('--fg')
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio])
  lines.forEach(({ at, label }, index) => {
    const x = Math.round(chart.valToPos(at, 'x', true))
    ctx.beginPath()
    ctx.moveTo(x, bbox.top)
    ctx.lineTo(x, bbox.top + bbox.height)
    ctx.stroke()
    // One below the other: they may stand close.
    const isRight = x + ctx.measureText(label).width + 8 > bbox.left + bbox.width
    ctx.textAlign = isRight ? 'right' : 'left'
    ctx.fillText(label, x + (isRight ? -4 : 4) * devicePixelRatio, bbox.top + (12 + index * 14) * devicePixelRatio)
  })
  ctx.restore()
}
