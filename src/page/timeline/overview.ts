import { addDensity } from './density.js'
import { type Palette, shadeOf } from './palette.js'
import type { Scene } from './scene.js'
import type { EventTrack } from './tracks.js'

// Of a track with hundreds of lanes the first show when it was busy.
const LANES_COUNTED = 8
const MARGIN_PX = 2

interface Strip {
  /** Per pixel, 0 to 1. */
  busy: Float64Array
  shade: number
}

/** How busy the host and the GPUs were over the whole recording; drawn once for each width, density and scheme. */
export class Overview {
  readonly #scene: Scene
  readonly #picture = document.createElement('canvas')
  #strips: Strip[] = []
  #width = 0
  #palette: Palette | undefined

  constructor(scene: Scene) {
    this.#scene = scene
  }

  draw(context: CanvasRenderingContext2D, width: number, height: number, ratio: number): void {
    const isNew = this.#width !== width
    if (isNew) this.#strips = this.#measured(Math.max(1, Math.floor(width)))
    if (isNew || this.#palette !== this.#scene.palette || this.#picture.height !== Math.round(height * ratio)) {
      this.#width = width
      this.#palette = this.#scene.palette
      this.#paint(width, height, ratio)
    }
    context.drawImage(this.#picture, 0, 0, width, height)
  }

  #paint(width: number, height: number, ratio: number): void {
    this.#picture.width = Math.round(width * ratio)
    this.#picture.height = Math.round(height * ratio)
    const brush = this.#picture.getContext('2d')!
    brush.scale(ratio, ratio)
    const each = (height - 2 * MARGIN_PX) / Math.max(1, this.#strips.length)
    for (const [index, { busy, shade }] of this.#strips.entries()) {
      const bottom = MARGIN_PX + (index + 1) * each - 1
      brush.fillStyle = this.#scene.palette.shades[shade]!
      for (let px = 0; px < busy.length; px++) {
        if (busy[px]! <= 0) continue
        // The root, so that a hundredth is seen too.
        const tall = Math.max(1, Math.sqrt(busy[px]!) * (each - 1))
        brush.fillRect(px, bottom - tall, 1, tall)
      }
    }
  }

  #measured(pixels: number): Strip[] {
    const tracks = this.#scene.layout.bands.flatMap(({ track }) => (track.kind === 'counter' ? [] : [track]))
    const ofKind = (...kinds: EventTrack['kind'][]) => tracks.filter(({ kind }) => kinds.includes(kind))
    const threads = ofKind('thread')
    const host = threads.length > 0 ? threads : ofKind('requests', 'async', 'launches', 'marks')
    return [
      { from: host, shade: shadeOf('op', '') },
      { from: ofKind('stream', 'waits'), shade: shadeOf('kernel', '') },
    ].flatMap(({ from, shade }) => {
      if (from.length === 0) return []
      const busy = new Float64Array(pixels)
      for (const { rows, kind } of from) {
        const count = kind === 'thread' ? 1 : Math.min(LANES_COUNTED, rows.rowCount)
        for (let row = 0; row < count; row++) addDensity(rows, row, this.#scene.bounds, busy)
      }
      const most = busy.reduce((a, b) => Math.max(a, b), 0)
      return [{ busy: busy.map(value => (most > 1 ? value / most : value)), shade }]
    })
  }
}
