// The flame graph on the page: d3-flame-graph draws, and this gives it what can be seen of the tree, lets the keyboard
// walk it and tells what is left out.
import flamegraph, { type FlameGraph } from 'd3-flame-graph'
import { select } from 'd3-selection'

import { countText, durationText, percentText, plural } from '../../../model/figure-text.js'
import { printedText } from '../../../model/names.js'
import { announce, button, element } from '../dom.js'
import { type FlameFrame, type FlamePart, type FlameTree, lineOf, matchesOf, visiblePart } from './flame-tree.js'

const CELL_PX = 19
// A screen's height. What is further in is reached by a zoom.
const MAX_LEVELS = 50
// Each is five elements; more make a zoom slower than 100 ms.
const MAX_FRAMES = 1500
const HUES = 8
// Names around the one that is zoomed to, as buttons.
const MAX_CRUMBS = 6

export class FlameChart {
  readonly element: HTMLElement = element('div', { class: 'flame' })
  readonly #host = element('div', { class: 'flame-host' })
  readonly #crumbs = element('p', { class: 'crumbs' })
  readonly #note = element('p', { class: 'quiet' })
  readonly #told = element('p', { class: 'flame-told' })
  #tree: FlameTree
  #unit: string
  #chart: FlameGraph<FlameFrame> | undefined
  #focus = 0
  /** The frame that the keyboard is at. */
  #active = 0
  #search = ''
  #widthPx = 0

  /** `unit` says what a value is time of: `host time`. */
  constructor(tree: FlameTree, unit: string) {
    this.#tree = tree
    this.#unit = unit
    this.element.append(this.#crumbs, this.#host, this.#told, this.#note)
    this.#host.addEventListener('keydown', event => this.#onKey(event))
    this.#host.addEventListener('focusin', event => this.#onFocus(event))
    new ResizeObserver(() => {
      if (Math.abs(this.#host.clientWidth - this.#widthPx) > 1) this.#draw()
    }).observe(this.#host)
  }

  show(tree: FlameTree, unit: string): void {
    this.#tree = tree
    this.#unit = unit
    this.#focus = 0
    this.#active = 0
    this.#draw()
  }
  search(text: string): void {
    this.#search = text.toLowerCase()
    this.#draw()
  }

  #draw(): void {
    this.element.hidden = this.#tree.values[0] === 0
    this.#widthPx = this.#host.clientWidth
    // Hidden, or not in the document yet.
    if (this.#widthPx === 0) return
    const bounds = { widthPx: this.#widthPx, maxLevels: MAX_LEVELS, maxFrames: MAX_FRAMES }
    const part = visiblePart(this.#tree, this.#focus, bounds)
    // The frame that has the focus may be replaced by the one that takes its place.
    const hadFocus = this.#host.contains(document.activeElement)
    if (this.#chart === undefined) this.#chart = this.#makeChart(part)
    else this.#chart.width(this.#widthPx).update(part.root)
    this.#afterDrawing(part, hadFocus)
  }

  #makeChart({ root }: FlamePart): FlameGraph<FlameFrame> {
    const chart = flamegraph<FlameFrame>()
      .width(this.#widthPx)
      .cellHeight(CELL_PX)
      .inverted(true)
      .transitionDuration(0)
      .setColorMapper(({ data }) => `var(--${this.#colourOf(data)})`)
      .setLabelHandler(({ data }) => this.#textOf(data.node))
      .onHover(({ data }) => this.#tell(data.node))
      .onClick(({ data }) => this.#zoom(data.node))
    select<HTMLElement, FlameFrame>(this.#host).datum(root).call(chart)
    return chart
  }

  /** Once more at what is zoomed to: back to what it is in. */
  #zoom(node: number): void {
    this.#focus = node === this.#focus ? Math.max(0, this.#tree.parents[node]!) : node
    this.#active = this.#focus
    this.#draw()
    announce(`${printedText(this.#tree.labels[this.#focus]!)}: ${this.#textOf(this.#focus)}`)
  }

  #afterDrawing(part: FlamePart, hadFocus: boolean): void {
    const svg = this.#host.querySelector('svg')!
    const levels = depthOf(part.root)
    svg.setAttribute('height', String(levels * CELL_PX))
    svg.setAttribute('role', 'tree')
    svg.setAttribute('aria-label', `Flame graph of ${this.#unit}`)
    for (const frame of this.#frames()) {
      const node = nodeOf(frame)
      frame.setAttribute('role', 'treeitem')
      frame.setAttribute('aria-label', this.#textOf(node))
      frame.setAttribute('tabindex', node === this.#active ? '0' : '-1')
      if (node === this.#active && hadFocus) frame.focus({ preventScroll: true })
    }
    this.#tell(this.#focus)
    this.#showCrumbs()
    this.#note.textContent = this.#noteText(part)
  }

  #showCrumbs(): void {
    const line = lineOf(this.#tree, this.#focus)
    const shown = line.length <= MAX_CRUMBS ? line : [0, ...line.slice(1 - MAX_CRUMBS)]
    const parts = shown.flatMap((node, at) => {
      const label = printedText(this.#tree.labels[node]!)
      const between = at === 0 ? [] : [line.length > shown.length && at === 1 ? ' › … › ' : ' › ']
      if (node === this.#focus) return [...between, element('strong', {}, label)]
      return [...between, button(label, () => this.#zoom(node), { class: 'link' })]
    })
    this.#crumbs.replaceChildren(...parts)
  }

  #noteText({ narrow, minPx, cut, frames }: FlamePart): string {
    const facts = [`${plural(frames, 'frame')} drawn`]
    if (narrow > 0)
      facts.push(`${countText(narrow)} narrower than ${plural(minPx, 'pixel')} left out, and what is inside`)
    if (cut > 0) facts.push(`${plural(cut, 'frame')} at the last of ${MAX_LEVELS} levels have more inside: zoom to one`)
    if (this.#search !== '') {
      const { count, ratio } = matchesOf(this.#tree, this.#search)
      facts.push(`“${printedText(this.#search)}” is in ${plural(count, 'frame')}, ${percentText(ratio)} of all`)
    }
    return `${facts.join('; ')}.`
  }

  #textOf(node: number): string {
    const { labels, values } = this.#tree
    const ofAll = values[0]! > 0 ? values[node]! / values[0]! : 0
    return `${printedText(labels[node]!)}: ${durationText(values[node]!)} of ${this.#unit}, ${percentText(ofAll)}`
  }
  #tell(node: number): void {
    this.#told.textContent = this.#textOf(node)
  }
  #colourOf({ name, node }: FlameFrame): string {
    if (this.#search !== '' && name.toLowerCase().includes(this.#search)) return 'highlight'
    return node === 0 ? 'gc' : `hue-${hueOf(name)}`
  }

  #frames(): SVGGElement[] {
    return [...this.#host.querySelectorAll<SVGGElement>('g.frame')]
  }
  #moveTo(node: number | undefined): void {
    const frames = this.#frames()
    const target = frames.find(frame => nodeOf(frame) === node)
    if (target === undefined) return
    for (const frame of frames) frame.setAttribute('tabindex', frame === target ? '0' : '-1')
    this.#active = node!
    target.focus()
  }

  #onFocus(event: FocusEvent): void {
    const frame = event.target instanceof Element ? event.target.closest<SVGGElement>('g.frame') : null
    if (frame === null) return
    this.#active = nodeOf(frame)
    this.#tell(this.#active)
  }

  #onKey(event: KeyboardEvent): void {
    const at = this.#active
    const parent = this.#tree.parents[at]!
    const shown = new Set(this.#frames().map(nodeOf))
    const inside = (node: number): number[] =>
      [...this.#tree.children.subarray(this.#tree.first[node], this.#tree.first[node + 1])].filter(child =>
        shown.has(child),
      )
    const beside = (step: number): number | undefined => {
      const row = parent < 0 ? [] : inside(parent)
      return row[row.indexOf(at) + step]
    }
    const actions: Record<string, () => void> = {
      ArrowDown: () => this.#moveTo(inside(at)[0]),
      ArrowUp: () => this.#moveTo(parent),
      ArrowRight: () => this.#moveTo(beside(1)),
      ArrowLeft: () => this.#moveTo(beside(-1)),
      Home: () => this.#moveTo(this.#focus),
      Enter: () => this.#zoom(at),
      ' ': () => this.#zoom(at),
      Escape: () => this.#zoom(this.#focus),
    }
    const action = actions[event.key]
    if (action === undefined) return
    event.preventDefault()
    action()
  }
}

function nodeOf(frame: SVGGElement): number {
  return select<SVGGElement, { data: FlameFrame }>(frame).datum().data.node
}

function depthOf(root: FlameFrame): number {
  let depth = 0
  for (let level = [root]; level.length > 0; level = level.flatMap(frame => frame.children)) depth++
  return depth
}

/** One name has one hue everywhere (FNV-1a). */
function hueOf(name: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  return (hash >>> 0) % HUES
}
