// All that the timeline draws from: made once, but for the colours and what is searched for.
import type { TimeRange } from '../page-state.js'
import { FLAG_ASYNC, FLAG_ERROR, FLAG_UNFINISHED, type PageRecording } from '../recording.js'
import { type Band, Layout } from './layout.js'
import { type Palette, Shades } from './palette.js'
import type { Search } from './search.js'
import { SlotSet } from './slot-set.js'
import type { TextFit } from './text-fit.js'
import { type EventTrack, type TrackGroup, tracksOf } from './tracks.js'

/** An event in its place: a slot of a band's rows, or an index into a counter's values. */
export interface Place {
  band: Band
  row: number
  slot: number
}
/** What to mark in a track beside its events' colours. */
export interface Marked {
  failed: SlotSet
  unfinished: SlotSet
}

export class Scene {
  readonly recording: PageRecording
  readonly groups: readonly TrackGroup[]
  readonly layout: Layout
  readonly shades: Shades
  readonly marked = new Map<EventTrack, Marked>()
  /** From the first to the last moment of anything; GPU work may end after the session. */
  readonly bounds: TimeRange
  palette: Palette
  readonly fit: TextFit
  search: Search | undefined

  constructor(recording: PageRecording, palette: Palette, fit: TextFit) {
    this.recording = recording
    this.palette = palette
    this.fit = fit
    this.groups = tracksOf(recording)
    this.layout = new Layout(this.groups)
    this.shades = new Shades(recording)
    const { flags } = recording.spans
    for (const { track } of this.layout.bands) {
      if (track.kind === 'counter' || track.events !== 'span') continue
      // On its thread an async span is only its synchronous part: how it ended is told on its lane.
      const skipped = track.kind === 'thread' ? FLAG_ASYNC : 0
      const having = (flag: number) =>
        new SlotSet(track.rows, event => (flags[event]! & flag) !== 0 && (flags[event]! & skipped) === 0)
      this.marked.set(track, { failed: having(FLAG_ERROR), unfinished: having(FLAG_UNFINISHED) })
    }
    this.bounds = boundsOf(recording, this.layout.bands)
  }

  /** Shade of an event of a track; palette.ts has what it means. */
  shadeOf(track: EventTrack): (event: number) => number {
    const { spans, launches, gpu, marks } = this.recording
    const { names, calls, gpu: byKind } = this.shades
    switch (track.events) {
      case 'span':
        return event => names[spans.name[event]!]!
      case 'mark':
        return event => names[marks.name[event]!]!
      case 'launch':
        return event => calls[launches.name[event]!]!
      case 'gpu':
        return event => byKind[gpu.kind[event]!]![gpu.name[event]!]!
    }
  }
}

function boundsOf({ durationNs }: PageRecording, bands: readonly Band[]): TimeRange {
  let startNs = 0
  let endNs = Math.max(1, durationNs)
  for (const { track } of bands) {
    if (track.kind === 'counter') {
      startNs = Math.min(startNs, track.steps.atNs[0]!)
      endNs = Math.max(endNs, track.steps.atNs.at(-1)!)
      continue
    }
    for (let row = 0; row < track.rows.rowCount; row++) {
      if (track.rows.first(row) === track.rows.end(row)) continue
      startNs = Math.min(startNs, track.rows.startNs(track.rows.first(row)))
      endNs = Math.max(endNs, track.rows.endNs(track.rows.end(row) - 1))
    }
  }
  return { startNs, endNs }
}
