import { durationText } from '../../model/figure-text.js'
import type { PageState, Selected, TimeRange } from '../page-state.js'
import { watchTheme } from '../theme.js'
import { TrackDrawing } from './draw.js'
import { flowsOf } from './flows.js'
import type { Frame } from './frame.js'
import { HEAD_PX, Head } from './head.js'
import type { Band } from './layout.js'
import { Motion } from './motion.js'
import { Overlay } from './overlay.js'
import { readPalette } from './palette.js'
import { durationAt, placeNear, placesOf, startAt } from './places.js'
import type { Place, Scene } from './scene.js'
import { Search } from './search.js'
import { TrackNames } from './track-names.js'
import { clamped, timeAt, type Viewport, xOf } from './viewport.js'

/** A hairline is hit by a pointer this near. */
const HIT_PX = 4
/** Room left above and below a row that is scrolled to. */
const MARGIN_PX = 24

/** What is on screen. Draws at most once a frame, and only what changed. */
export class TimelineView {
  readonly scene: Scene
  readonly viewport: Viewport
  readonly motion: Motion
  readonly #frame: Frame
  readonly #state: PageState
  readonly #tracks: TrackDrawing
  readonly #head: Head
  readonly #overlay: Overlay
  readonly #names: TrackNames
  #pending = 0
  #isStale = true
  #areNamesStale = true
  #hovered: Place | undefined
  #focused: Place | undefined
  #selected: Place[] = []
  #flows: { from: Place; to: Place }[] = []
  #flowCount = 0
  #drawnRange: TimeRange | undefined
  #clockNs: bigint | undefined

  constructor(frame: Frame, scene: Scene, state: PageState) {
    this.scene = scene
    this.#frame = frame
    this.#state = state
    this.#tracks = new TrackDrawing(scene, frame.tracks)
    this.#head = new Head(scene, frame.head)
    this.#overlay = new Overlay(scene, frame.overlay)
    this.#names = new TrackNames(frame.names, scene.layout, band => this.fold(band))
    this.motion = new Motion(visible => this.#state.change({ visible }))
    const visible = clamped(state.fields.visible, scene.bounds)
    this.viewport = { width: 1, height: 1, ratio: 1, scrollTop: 0, visible }
    new ResizeObserver(() => this.#resize()).observe(frame.plot)
    frame.scroller.addEventListener('scroll', () => {
      this.#areNamesStale = true
      this.invalidate(true)
    })
    this.#watchColours()
    state.watch((fields, before) => this.#onState(fields, before))
    this.#search(state.fields.search)
    this.#select(state.fields.selected)
    this.#layOut()
  }

  get hovered(): Place | undefined {
    return this.#hovered
  }
  get focused(): Place | undefined {
    return this.#focused
  }
  get selected(): readonly Place[] {
    return this.#selected
  }
  /** How many works of GPUs the selected event caused. */
  get flowCount(): number {
    return this.#flowCount
  }

  point(place: Place | undefined): void {
    this.#hovered = place
    this.invalidate(false)
  }
  focus(place: Place | undefined): void {
    this.#focused = place
    this.invalidate(false)
  }
  /** A range that is being drawn; undefined: it is done. */
  drawRange(range: TimeRange | undefined): void {
    this.#drawnRange = range
    this.invalidate(true)
  }
  /** The axis tells the wall clock, which read so at the start; undefined: time since the start. */
  tellClock(originNs: bigint | undefined): void {
    this.#clockNs = originNs
    this.invalidate(true)
  }
  /** At once, as gestures need it. */
  show(range: TimeRange): void {
    this.motion.stop()
    this.#state.change({ visible: clamped(range, this.scene.bounds) })
  }
  /** Over some frames, so that the eye can follow. */
  go(range: TimeRange): void {
    this.motion.go(this.viewport.visible, clamped(range, this.scene.bounds))
  }
  scrollBy(dy: number): void {
    this.#frame.scroller.scrollTop += dy
  }
  fold(band: Band): void {
    this.scene.layout.fold(band, !band.folded)
    this.#layOut()
  }
  foldAll(folded: boolean): void {
    this.scene.layout.foldAll(folded)
    this.#layOut()
  }

  /** What lies at a point of the plot. */
  placeAt(x: number, y: number): Place | undefined {
    const { layout } = this.scene
    const height = y + this.viewport.scrollTop
    const band = layout.bands[layout.indexAt(height)]
    const row = band === undefined || height < band.top ? -1 : layout.rowAt(band, height)
    if (band === undefined || row < 0) return undefined
    const at = (offset: number) => timeAt(this.viewport, Math.floor(x) + offset)
    return placeNear(band, row, at(0), at(1), at(HIT_PX) - at(0))
  }

  /** How many events of the place's row are under a pixel of the plot. */
  crowdAt({ band, row }: Place, x: number): number {
    if (band.track.kind === 'counter') return 1
    const { rows } = band.track
    const end = rows.end(row)
    const from = rows.firstAfter(timeAt(this.viewport, Math.floor(x)), rows.first(row), end)
    return rows.firstFrom(timeAt(this.viewport, Math.floor(x) + 1), from, end) - from
  }

  /** Brings an event into view, as far as it is not. */
  reveal(place: Place): void {
    const { viewport } = this
    const { scroller } = this.#frame
    const { top, height } = this.scene.layout.rowPlace(place.band, place.row)
    if (top < scroller.scrollTop) scroller.scrollTop = top - MARGIN_PX
    const bottom = top + height
    if (bottom > scroller.scrollTop + viewport.height) scroller.scrollTop = bottom - viewport.height + MARGIN_PX
    const start = startAt(place)
    const { startNs, endNs } = this.motion.target ?? viewport.visible
    const length = endNs - startNs
    const isInView = start + durationAt(place) > startNs + 0.02 * length && start < endNs - 0.02 * length
    if (isInView) return
    const middle = start + Math.min(durationAt(place), 0.8 * length) / 2
    this.go({ startNs: middle - length / 2, endNs: middle + length / 2 })
  }

  /** Where the visible part is in the overview. */
  windowPx(): { left: number; right: number } {
    const whole = { ...this.viewport, visible: this.scene.bounds }
    const { startNs, endNs } = this.viewport.visible
    return { left: xOf(whole, startNs), right: xOf(whole, endNs) }
  }

  /** Draws with the next frame; the tracks too, when more than what lies above them changed. */
  invalidate(withTracks: boolean): void {
    this.#isStale ||= withTracks
    if (this.#pending !== 0) return
    this.#pending = requestAnimationFrame(() => {
      this.#pending = 0
      this.#draw()
    })
  }

  #draw(): void {
    const { viewport } = this
    const range = this.#drawnRange ?? this.#state.fields.range
    viewport.scrollTop = this.#frame.scroller.scrollTop
    if (this.#isStale) {
      this.#isStale = false
      this.#tracks.draw(viewport)
      this.#head.draw(viewport, { range, clockNs: this.#clockNs })
      const shown = `${durationText(viewport.visible.endNs - viewport.visible.startNs)} shown`
      if (this.#frame.corner.textContent !== shown) this.#frame.corner.textContent = shown
    }
    if (this.#areNamesStale) {
      this.#areNamesStale = false
      this.#names.update(viewport.scrollTop, viewport.height)
    }
    const [hovered, focused, selected, flows] = [this.#hovered, this.#focused, this.#selected, this.#flows]
    this.#overlay.draw(viewport, { hovered, focused, selected, flows, range })
  }

  #onState(fields: PageState['fields'], before: PageState['fields']): void {
    if (fields.visible !== before.visible) {
      this.viewport.visible = clamped(fields.visible, this.scene.bounds)
      // Whoever else changes what is shown has the last word.
      if (!this.motion.isShowing) this.motion.stop()
    }
    if (fields.search !== before.search) this.#search(fields.search)
    if (fields.selected !== before.selected) this.#select(fields.selected)
    this.invalidate(fields.visible !== before.visible || fields.range !== before.range)
  }
  #search(text: string): void {
    const { recording, layout } = this.scene
    this.scene.search = text === '' ? undefined : new Search(recording, layout.bands, text)
    this.invalidate(true)
  }
  #select(selected: Selected): void {
    const { layout, recording } = this.scene
    this.#selected = placesOf(layout, selected)
    const { shown, count } = flowsOf(recording, selected)
    this.#flowCount = count
    this.#flows = shown.flatMap(({ launch, gpu }) => {
      const [from] = placesOf(layout, { kind: 'launch', row: launch })
      const [to] = placesOf(layout, { kind: 'gpu', row: gpu })
      return from === undefined || to === undefined ? [] : [{ from, to }]
    })
  }

  /** Gives the scroller the height of all tracks. */
  #layOut(): void {
    const { scroller, sticky, spacer } = this.#frame
    const { height } = this.scene.layout
    scroller.style.blockSize = `${Math.max(MARGIN_PX, height)}px`
    const shown = scroller.clientHeight
    sticky.style.blockSize = `${shown}px`
    spacer.style.blockSize = `${Math.max(0, height - shown)}px`
    this.#resize()
  }
  #resize(): void {
    const { plot, tracks, overlay, head, scroller, sticky } = this.#frame
    const { viewport } = this
    if (sticky.clientHeight !== scroller.clientHeight) {
      this.#layOut()
      return
    }
    viewport.width = Math.max(1, plot.clientWidth)
    viewport.height = Math.max(1, plot.clientHeight)
    viewport.ratio = window.devicePixelRatio
    for (const [canvas, height] of [
      [tracks, viewport.height],
      [overlay, viewport.height],
      [head, HEAD_PX],
    ] as const) {
      const size = { width: Math.round(viewport.width * viewport.ratio), height: Math.round(height * viewport.ratio) }
      if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size)
    }
    head.style.inlineSize = `${viewport.width}px`
    // A canvas that changed its size is empty until it is drawn, so not with the next frame but in this one.
    this.#isStale = true
    this.#areNamesStale = true
    this.#draw()
  }

  #watchColours(): void {
    const again = () => {
      this.scene.palette = readPalette(this.#frame.root)
      this.invalidate(true)
    }
    watchTheme(this.#frame.root, again)
    // Paper waits for no frame.
    matchMedia('print').addEventListener('change', () => {
      again()
      this.#draw()
    })
    // Fires once for the density that is; the next one is watched for from then on.
    const watchRatio = () =>
      matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`).addEventListener(
        'change',
        () => {
          this.#resize()
          watchRatio()
        },
        { once: true },
      )
    watchRatio()
  }
}
