import { countText, plural } from '../../model/figure-text.js'
import type { PageState, TimeRange } from '../page-state.js'
import { placeLines, placeSentence } from './event-text.js'
import type { Frame } from './frame.js'
import { onHeadPointer } from './head-pointer.js'
import { type KeyAction, keyAction } from './keyboard.js'
import { type Gestures, onPointer, onWheel } from './navigate.js'
import { durationAt, selectionAt, startAt } from './places.js'
import type { Place } from './scene.js'
import type { TimelineView } from './timeline-view.js'
import { showTip } from './tip.js'
import { timeAt, zoomed } from './viewport.js'
import { walked } from './walk.js'

/** An event that is zoomed to has this share of the width. */
const ZOOM_TO_SHARE = 0.6
const BUTTON_ZOOM = 2
const HINT = 'ctrl + wheel zooms, drag pans, shift + drag selects'

/** What the user does, as changes of the view and of the state. */
export class TimelineControl implements Gestures {
  readonly #frame: Frame
  readonly #view: TimelineView
  readonly #state: PageState
  /** Moment that up and down keep to. */
  #anchorNs = 0
  #pointerX = 0
  #isFolded = false
  #isClock = false
  #isOwnChange = false

  /** `originNs`: the wall clock at the start, ns since 1970; 0: unknown. */
  constructor(frame: Frame, view: TimelineView, state: PageState, originNs: bigint) {
    this.#frame = frame
    this.#view = view
    this.#state = state
    const { overlay, head, root, search, buttons } = frame
    onPointer(overlay, this)
    onWheel(overlay, this)
    onWheel(head, this)
    onHeadPointer(head, this, {
      windowPx: () => view.windowPx(),
      centre: x => this.#centre(x),
      moveWindow: dx => this.#moveWindow(dx),
    })
    root.addEventListener('keydown', event => this.#onKey(event))
    search.value = state.fields.search
    search.addEventListener('input', () => state.change({ search: search.value }))
    search.addEventListener('keydown', event => this.#onSearchKey(event))
    const actions: Partial<Record<keyof typeof buttons, KeyAction>> = {
      previous: { do: 'match', direction: -1 },
      next: { do: 'match', direction: 1 },
      nearer: { do: 'zoom', factor: BUTTON_ZOOM },
      farther: { do: 'zoom', factor: 1 / BUTTON_ZOOM },
      all: { do: 'all' },
      help: { do: 'help' },
    }
    for (const [name, action] of Object.entries(actions)) {
      buttons[name as keyof typeof buttons].addEventListener('click', () => this.#act(action))
    }
    buttons.fold.addEventListener('click', () => this.#foldAll())
    buttons.clock.hidden = originNs === 0n
    buttons.clock.addEventListener('click', () => this.#toggleClock(originNs))
    state.watch((fields, before) => {
      if (fields.search !== before.search && search.value !== fields.search) search.value = fields.search
      if (fields.search !== before.search) this.#tellMatches(undefined)
      if (fields.selected === before.selected) return
      this.#tellSelected()
      const place = view.selected[0]
      if (place !== undefined && !this.#isOwnChange) view.reveal(place)
    })
    this.#tellMatches(undefined)
    this.#tellSelected()
  }

  pan(dx: number, dy: number): void {
    const { width, visible } = this.#view.viewport
    if (dx !== 0) this.#view.show(shifted(visible, -dx / width))
    if (dy !== 0) this.#view.scrollBy(-dy)
  }
  zoom(factor: number, x: number): void {
    const { viewport, scene } = this.#view
    this.#view.show(zoomed(viewport.visible, timeAt(viewport, x), factor, scene.bounds))
  }
  range(fromX: number, toX: number, isDone: boolean): void {
    const { viewport } = this.#view
    const startNs = Math.floor(timeAt(viewport, Math.max(0, Math.min(fromX, toX))))
    const endNs = Math.ceil(timeAt(viewport, Math.min(viewport.width, Math.max(fromX, toX))))
    const range = { startNs, endNs: Math.max(startNs + 1, endNs) }
    this.#view.drawRange(isDone ? undefined : range)
    if (isDone) this.#state.change({ range })
  }
  click(x: number, y: number): void {
    this.#frame.overlay.focus({ preventScroll: true })
    const place = this.#view.placeAt(x, y)
    this.#view.focus(undefined)
    if (place !== undefined) this.#anchorNs = startAt(place)
    this.#selectAt(place)
  }
  doubleClick(x: number, y: number): void {
    const place = this.#view.placeAt(x, y)
    if (place !== undefined) this.#zoomTo(place)
  }
  hover(x: number, y: number): void {
    const { tip, root, overlay } = this.#frame
    const place = this.#view.placeAt(x, y)
    const inner = overlay.getBoundingClientRect()
    const outer = root.getBoundingClientRect()
    const lines = place === undefined ? [] : placeLines(this.#view.scene.recording, place)
    const crowd = place === undefined ? 0 : this.#view.crowdAt(place, x)
    if (crowd > 1) lines.push(`the longest of ${countText(crowd)} in this pixel`)
    showTip(tip, root, x + inner.left - outer.left, y + inner.top - outer.top, lines)
    this.#pointerX = x
    this.#view.point(place)
  }
  leave(): void {
    showTip(this.#frame.tip, this.#frame.root, 0, 0, [])
    this.#view.point(undefined)
  }

  #onKey(event: KeyboardEvent): void {
    if (event.target instanceof HTMLInputElement || this.#frame.help.open) return
    // A button keeps its own keys.
    if (event.target instanceof HTMLButtonElement && (event.key === 'Enter' || event.key === ' ')) return
    const action = keyAction(event)
    if (action === undefined) return
    event.preventDefault()
    this.#act(action)
  }
  #onSearchKey(event: KeyboardEvent): void {
    if (event.key === 'Enter') this.#step(event.shiftKey ? -1 : 1)
    if (event.key !== 'Escape') return
    this.#state.change({ search: '' })
    this.#frame.overlay.focus({ preventScroll: true })
  }

  #act(action: KeyAction): void {
    const { motion, viewport, scene } = this.#view
    const target = motion.target ?? viewport.visible
    switch (action.do) {
      case 'walk':
        this.#walk(action.step, target)
        break
      case 'zoom': {
        const isPointed = this.#frame.overlay.matches(':hover')
        const atNs = isPointed ? timeAt(viewport, this.#pointerX) : (target.startNs + target.endNs) / 2
        this.#view.go(zoomed(target, atNs, action.factor, scene.bounds))
        break
      }
      case 'pan':
        this.#view.go(shifted(target, action.share))
        break
      case 'match':
        this.#step(action.direction)
        break
      case 'select':
        if (this.#view.focused !== undefined) this.#selectAt(this.#view.focused)
        break
      case 'zoomTo':
        if (this.#current !== undefined) this.#zoomTo(this.#current)
        else if (this.#state.fields.range !== undefined) this.#view.go(this.#state.fields.range)
        break
      case 'range':
        if (this.#current !== undefined) this.#state.change({ range: stretchOf(this.#current) })
        break
      case 'fold':
        if (this.#current !== undefined) this.#view.fold(this.#current.band)
        break
      case 'all':
        this.#view.go(scene.bounds)
        break
      case 'search':
        this.#frame.search.select()
        break
      case 'help':
        this.#frame.help.showModal()
        break
      case 'escape':
        this.#escape()
        break
    }
  }

  /** What keys are about. */
  get #current(): Place | undefined {
    return this.#view.focused ?? this.#view.selected[0]
  }

  #walk(step: Parameters<typeof walked>[2], { startNs, endNs }: TimeRange): void {
    const from = this.#current
    const { scene, viewport } = this.#view
    if (from === undefined) this.#anchorNs = (startNs + endNs) / 2
    const place = walked(scene.layout, from, step, this.#anchorNs, viewport.scrollTop)
    if (place === undefined) return
    if (step !== 'above' && step !== 'below') this.#anchorNs = startAt(place)
    this.#focus(place)
  }
  #focus(place: Place): void {
    this.#view.focus(place)
    this.#view.reveal(place)
    this.#frame.live.textContent = placeSentence(this.#view.scene.recording, place)
  }
  #selectAt(place: Place | undefined): void {
    this.#isOwnChange = true
    this.#state.change({ selected: place && selectionAt(place) })
    this.#isOwnChange = false
  }
  #zoomTo(place: Place): void {
    const { startNs, endNs } = stretchOf(place)
    const margin = ((endNs - startNs) * (1 / ZOOM_TO_SHARE - 1)) / 2
    this.#view.go({ startNs: startNs - margin, endNs: endNs + margin })
  }

  #step(direction: 1 | -1): void {
    const { scene, viewport } = this.#view
    const place = scene.search?.step(this.#current, viewport.visible.startNs, direction)
    if (place === undefined) return
    this.#anchorNs = startAt(place)
    if (place.band.folded) this.#view.fold(place.band)
    this.#focus(place)
    this.#tellMatches(place)
  }
  #tellMatches(at: Place | undefined): void {
    const { search } = this.#view.scene
    const { matches, buttons } = this.#frame
    const count = search?.count ?? 0
    if (search === undefined) matches.textContent = ''
    else if (at === undefined) matches.textContent = count === 0 ? 'none found' : `${countText(count)} found`
    else matches.textContent = `${countText(search.numberOf(at))} of ${countText(count)}`
    buttons.previous.disabled = buttons.next.disabled = count === 0
  }
  #tellSelected(): void {
    const { selected, flowCount, scene } = this.#view
    const { status, live } = this.#frame
    const place = selected[0]
    if (place === undefined) {
      status.textContent = scene.layout.bands.length === 0 ? 'Nothing was recorded.' : HINT
      return
    }
    const [title = '', length = ''] = placeLines(scene.recording, place)
    const isHost = place.band.track.kind !== 'counter' && place.band.track.events !== 'gpu'
    const flows = isHost && flowCount > 0 ? `, launched ${plural(flowCount, 'GPU event')}` : ''
    status.textContent = `${title} · ${length}${flows}`
    live.textContent = `Selected ${placeSentence(scene.recording, place)}${flows}`
  }

  #foldAll(): void {
    this.#isFolded = !this.#isFolded
    const { fold } = this.#frame.buttons
    fold.setAttribute('aria-pressed', String(this.#isFolded))
    fold.textContent = this.#isFolded ? 'Unfold' : 'Fold'
    this.#view.foldAll(this.#isFolded)
  }
  #toggleClock(originNs: bigint): void {
    this.#isClock = !this.#isClock
    this.#frame.buttons.clock.setAttribute('aria-pressed', String(this.#isClock))
    this.#view.tellClock(this.#isClock ? originNs : undefined)
  }
  #centre(x: number): void {
    const { viewport, scene } = this.#view
    const { startNs, endNs } = viewport.visible
    const middle = timeAt({ ...viewport, visible: scene.bounds }, x)
    this.#view.show({ startNs: middle - (endNs - startNs) / 2, endNs: middle + (endNs - startNs) / 2 })
  }
  #moveWindow(dx: number): void {
    const { viewport, scene } = this.#view
    const shift = (dx / viewport.width) * (scene.bounds.endNs - scene.bounds.startNs)
    const { startNs, endNs } = viewport.visible
    this.#view.show({ startNs: startNs + shift, endNs: endNs + shift })
  }
  #escape(): void {
    const { selected, range, search } = this.#state.fields
    if (this.#view.focused !== undefined) this.#view.focus(undefined)
    else if (selected !== undefined) this.#state.change({ selected: undefined })
    else if (range !== undefined) this.#state.change({ range: undefined })
    else if (search !== '') this.#state.change({ search: '' })
  }
}

const shifted = ({ startNs, endNs }: TimeRange, share: number): TimeRange => ({
  startNs: startNs + share * (endNs - startNs),
  endNs: endNs + share * (endNs - startNs),
})
function stretchOf(place: Place): TimeRange {
  const startNs = startAt(place)
  return { startNs, endNs: startNs + Math.max(1, durationAt(place)) }
}
