// Where tracks lie from top to bottom, CSS pixels from the top of all.
import type { Track, TrackGroup } from './tracks.js'

export const ROW_PX = 18
const HEADING_PX = 26
const COUNTER_PX = 40
const PADDING_PX = 4
/** Rows of a folded track are this high, and no more than so many are shown: its shape stays, its names go. */
const FOLDED_ROW_PX = 3
const FOLDED_ROWS = 6
// A recursion thousands deep or a pile of hanging requests would push all else out of sight.
const FOLDED_ABOVE_ROWS = 80

/** A track in its place. */
export interface Band {
  track: Track
  top: number
  height: number
  folded: boolean
  rowCount: number
}
export interface Heading {
  name: string
  top: number
  height: number
}
export interface RowPlace {
  top: number
  height: number
}

export class Layout {
  readonly bands: Band[]
  readonly headings: Heading[]
  readonly #groups: readonly TrackGroup[]
  height = 0

  constructor(groups: readonly TrackGroup[]) {
    this.#groups = groups
    this.headings = groups.map(({ name }) => ({ name, top: 0, height: HEADING_PX }))
    this.bands = groups.flatMap(({ tracks }) =>
      tracks.map(track => {
        const rowCount = track.kind === 'counter' ? 1 : track.rows.rowCount
        return { track, top: 0, height: 0, folded: rowCount > FOLDED_ABOVE_ROWS, rowCount }
      }),
    )
    this.#place()
  }

  fold(band: Band, folded: boolean): void {
    band.folded = folded
    this.#place()
  }
  foldAll(folded: boolean): void {
    for (const band of this.bands) band.folded = folded
    this.#place()
  }

  /** Index of the band at a height, or of the next below it; the number of bands past the last. */
  indexAt(y: number): number {
    let low = 0
    let high = this.bands.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.bands[middle]!.top + this.bands[middle]!.height <= y) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Of a row in its band; below the folded rows they all lie on the last one. */
  rowPlace(band: Band, row: number): RowPlace {
    if (band.track.kind === 'counter') return { top: band.top + PADDING_PX, height: band.height - 2 * PADDING_PX }
    const height = rowHeight(band)
    const shown = band.folded ? Math.min(row, FOLDED_ROWS - 1) : row
    return { top: band.top + PADDING_PX + shown * height, height: height - 1 }
  }

  /** Rows of a band that lie in the stretch, first and past the last. */
  rowsBetween(band: Band, top: number, bottom: number): [number, number] {
    const height = rowHeight(band)
    const inside = band.top + PADDING_PX
    const shown = shownRows(band)
    const first = Math.min(shown, Math.max(0, Math.floor((top - inside) / height)))
    return [first, Math.max(first, Math.min(shown, Math.ceil((bottom - inside) / height)))]
  }

  /** The row of the band at a height; -1: beside its rows. */
  rowAt(band: Band, y: number): number {
    const row = Math.floor((y - band.top - PADDING_PX) / rowHeight(band))
    return row >= 0 && row < shownRows(band) ? row : -1
  }

  #place(): void {
    let y = 0
    let at = 0
    for (const [index, { tracks }] of this.#groups.entries()) {
      this.headings[index]!.top = y
      y += HEADING_PX
      for (let i = 0; i < tracks.length; i++) {
        const band = this.bands[at++]!
        band.top = y
        band.height = bandHeight(band)
        y += band.height
      }
    }
    this.height = y
  }
}

const rowHeight = (band: Band): number => (band.folded ? FOLDED_ROW_PX : ROW_PX)
export const shownRows = (band: Band): number => (band.folded ? Math.min(FOLDED_ROWS, band.rowCount) : band.rowCount)
function bandHeight(band: Band): number {
  if (band.track.kind === 'counter') return band.folded ? ROW_PX : COUNTER_PX
  // A folded track keeps room for its name.
  return Math.max(ROW_PX, shownRows(band) * rowHeight(band)) + 2 * PADDING_PX
}
