// Events in words: on their blocks, in the tip at the pointer, and for those who listen.
import { bytesText, durationText, grouped, plural, rateText } from '../../model/figure-text.js'
import { loopCounterText } from '../../model/loop-counters.js'
import { lowerBound } from '../../model/lower-bound.js'
import { printedText } from '../../model/names.js'
import {
  FLAG_ASYNC,
  FLAG_ERROR,
  FLAG_UNFINISHED,
  GPU_COPY,
  GPU_FILL,
  MEMORY_KINDS,
  type PageRecording,
} from '../recording.js'
import type { Place } from './scene.js'
import type { EventKind, EventTrack } from './tracks.js'

const ATTRIBUTES_SHOWN = 8
// Of names and values in sentences; names of C++ templates have thousands of characters.
const LETTERS_SHOWN = 300

/** Name of an event; an instance of an op has its own. */
export function eventName(
  { spans, launches, gpu, marks, names, strings }: PageRecording,
  kind: EventKind,
  event: number,
): string {
  switch (kind) {
    case 'span':
      return nameText(names[spans.name[event]!]!)
    case 'mark':
      return nameText(names[marks.name[event]!]!)
    case 'launch':
      return strings[launches.name[event]!]!
    case 'gpu':
      return strings[gpu.name[event]!]!
  }
}
export const nameText = ({ text, instance }: { text: string; instance: string }): string =>
  instance === '' ? text : `${text} ${instance}`

/** A counter's value, with its unit where that is known. */
export function counterText(name: string, value: number): string {
  const known = loopCounterText(name, value)
  return known ?? grouped(String(Number.isInteger(value) ? value : Number(value.toPrecision(6))))
}

/** As it can stand in a sentence: on one line, and not too long. */
export function shownText(text: string): string {
  const isLong = text.length > LETTERS_SHOWN
  return printedText(isLong ? `${text.slice(0, LETTERS_SHOWN)}…` : text)
}

/** Title, then one fact a line. */
export function placeLines(recording: PageRecording, { band, row, slot }: Place): string[] {
  const { track } = band
  if (track.kind === 'counter') {
    const at = `at ${durationText(track.steps.atNs[slot]!)}`
    return [
      `${shownText(track.name)} = ${counterText(recording.names[track.counter]!.text, track.steps.values[slot]!)}`,
      at,
    ]
  }
  const event = track.rows.event(slot)
  const startNs = track.rows.startNs(slot)
  const lines = [shownText(eventName(recording, track.events, event))]
  if (track.events === 'mark') lines.push(`mark at ${exactText(startNs)}`)
  else lines.push(`${lengthText(recording, track, event, slot)}, from ${exactText(startNs)}`)
  lines.push(track.rows.rowCount > 1 ? `${shownText(track.name)}, row ${row + 1}` : shownText(track.name))
  if (track.events === 'gpu') lines.push(...gpuLines(recording, event))
  if (track.events === 'span') lines.push(...spanLines(recording, event))
  return lines
}

/** The same as one sentence. */
export function placeSentence(recording: PageRecording, place: Place): string {
  return placeLines(recording, place).join(', ')
}

/** A moment to the microsecond, which is what traces are compared by. */
function exactText(ns: number): string {
  return ns < 1e6 ? durationText(ns) : `${grouped((ns / 1e6).toFixed(3))} ms`
}

function lengthText({ spans }: PageRecording, track: EventTrack, event: number, slot: number): string {
  const drawn = durationText(track.rows.duration(slot))
  if (track.events !== 'span') return drawn
  const flags = spans.flags[event]!
  const ends = flags & FLAG_UNFINISHED ? ', not finished' : ''
  if (track.kind === 'thread' && flags & FLAG_ASYNC) {
    return `${drawn} until it returned, ${durationText(spans.durationNs[event]!)} in all${ends}`
  }
  return `${drawn}${ends}`
}

function spanLines({ spans, attributes, strings }: PageRecording, row: number): string[] {
  const lines = spans.flags[row]! & FLAG_ERROR ? ['failed'] : []
  const { row: rows, key, value } = attributes
  let at = lowerBound(rows, row)
  const first = at
  for (; rows[at] === row; at++) {
    if (at - first < ATTRIBUTES_SHOWN) {
      lines.push(`${shownText(strings[key[at]!]!)}: ${shownText(strings[value[at]!]!)}`)
    }
  }
  if (at - first > ATTRIBUTES_SHOWN) lines.push(`${plural(at - first - ATTRIBUTES_SHOWN, 'more attribute')}`)
  return lines
}

function gpuLines({ gpu }: PageRecording, row: number): string[] {
  const kind = gpu.kind[row]!
  if (kind !== GPU_COPY && kind !== GPU_FILL) return gpu.launch[row]! < 0 ? ['its launch was not recorded'] : []
  const bytes = gpu.bytes[row]!
  const rate = rateText((bytes / gpu.durationNs[row]!) * 1e9)
  const size = rate === '' || gpu.durationNs[row] === 0 ? bytesText(bytes) : `${bytesText(bytes)}, ${rate}`
  if (kind === GPU_FILL) return [size]
  return [size, `${MEMORY_KINDS[gpu.from[row]!]} to ${MEMORY_KINDS[gpu.to[row]!]} memory`]
}
