// The tracks of a recording, in the order in which they are shown.
import { processText } from '../../model/process-text.js'
import { FLAG_ASYNC, GPU_SYNC, type PageRecording, threadName } from '../recording.js'
import { CounterSteps } from './counter-steps.js'
import { type LooseTree, looseTree, plainLanes, spanLanes } from './lane-rows.js'
import { RowIndex } from './row-index.js'
import { nestThread } from './thread-rows.js'

/** What a track has: rows of the columns of that name. */
export type EventKind = 'span' | 'launch' | 'gpu' | 'mark'
interface TrackBase {
  name: string
  /** Index into the recording's processes. */
  process: number
}
export interface EventTrack extends TrackBase {
  kind: 'requests' | 'thread' | 'async' | 'launches' | 'marks' | 'stream' | 'waits'
  events: EventKind
  rows: RowIndex
}
export interface CounterTrack extends TrackBase {
  kind: 'counter'
  /** Into names. */
  counter: number
  steps: CounterSteps
}
export type Track = EventTrack | CounterTrack
/** Tracks of a process or of a GPU; at least one. */
export interface TrackGroup {
  name: string
  tracks: Track[]
}

/**
 * Groups by process, then by GPU, so that a launch and its kernels are near each other, then counters by process. What has
 * nothing to show is left out.
 */
export function tracksOf(recording: PageRecording): TrackGroup[] {
  const { threads, processes } = recording
  const nested = threads.map(thread => nestThread(recording, thread))
  const isLoose = new Uint8Array(recording.spans.name.length)
  for (const { loose } of nested) for (const row of loose) isLoose[row] = 1
  const tree = looseTree(recording, isLoose)
  const launches = byKey(recording.launches.thread, threads.length)
  const marks = byKey(recording.marks.thread, threads.length)
  const counters = byKey(recording.counters.thread, threads.length)

  const groups = processes.map((process): TrackGroup => ({ name: processText(process), tracks: [] }))
  const counterGroups = processes.map((process): TrackGroup => {
    return { name: processes.length > 1 ? `counters of ${processText(process)}` : 'counters', tracks: [] }
  })
  const requests: Uint32Array[][] = processes.map(() => [])
  for (const [index, thread] of threads.entries()) {
    const { process } = thread
    const name = threadName(thread, index)
    const tracks = groups[process]!.tracks
    const { nested: placed, depthCount, loose } = nested[index]!
    if (placed.count > 0) {
      const rows = new RowIndex(recording.spans.startNs, depthCount, placed)
      tracks.push({ kind: 'thread', name, process, events: 'span', rows })
    }
    const own = loose.filter(row => !tree.ofRequest[row])
    requests[process]!.push(loose.filter(row => tree.ofRequest[row]))
    if (own.length > 0) {
      const isAsync = own.some(row => (recording.spans.flags[row]! & FLAG_ASYNC) !== 0)
      const what = isAsync ? 'async' : 'overlapping'
      tracks.push(asyncTrack('async', `${name} · ${what}`, process, own, recording, tree))
    }
    if (launches[index]!.length > 0)
      tracks.push(launchTrack(`${name} · launches`, process, launches[index]!, recording))
    if (marks[index]!.length > 0) tracks.push(markTrack(`${name} · marks`, process, marks[index]!, recording))
    counterGroups[process]!.tracks.push(...counterTracks(process, name, counters[index]!, recording))
  }
  for (const { tracks } of counterGroups) shortenNames(tracks, recording)
  for (const [process, lists] of requests.entries()) {
    const events = joined(lists)
    if (events.length > 0) {
      groups[process]!.tracks.unshift(asyncTrack('requests', 'requests', process, events, recording, tree))
    }
  }
  return [...groups, ...gpuGroups(recording), ...counterGroups].filter(({ tracks }) => tracks.length > 0)
}

function asyncTrack(
  kind: 'async' | 'requests',
  name: string,
  process: number,
  events: Uint32Array,
  recording: PageRecording,
  tree: LooseTree,
): EventTrack {
  const { placed, laneCount } = spanLanes(recording, events, tree)
  return { kind, name, process, events: 'span', rows: new RowIndex(recording.spans.startNs, laneCount, placed) }
}

function launchTrack(name: string, process: number, events: Uint32Array, { launches }: PageRecording): EventTrack {
  const { placed, laneCount } = plainLanes(events, launches.startNs, launches.durationNs)
  return { kind: 'launches', name, process, events: 'launch', rows: new RowIndex(launches.startNs, laneCount, placed) }
}

function markTrack(name: string, process: number, events: Uint32Array, { marks }: PageRecording): EventTrack {
  const sorted = inOrder(events, marks.atNs)
  const placed = {
    count: sorted.length,
    events: sorted,
    rows: new Uint32Array(sorted.length),
    durationsNs: new Float64Array(sorted.length),
  }
  return { kind: 'marks', name, process, events: 'mark', rows: new RowIndex(marks.atNs, 1, placed) }
}

function counterTracks(
  process: number,
  thread: string,
  rows: Uint32Array,
  { counters, names }: PageRecording,
): CounterTrack[] {
  const byName = new Map<number, number[]>()
  for (const row of rows) {
    // Nothing can be drawn of what is no number, and it would be the scale of all the rest.
    if (!Number.isFinite(counters.value[row]!)) continue
    const list = byName.get(counters.name[row]!)
    if (list === undefined) byName.set(counters.name[row]!, [row])
    else list.push(row)
  }
  return [...byName].map(([counter, list]) => {
    const sorted = inOrder(Uint32Array.from(list), counters.atNs)
    const atNs = Float64Array.from(sorted, row => counters.atNs[row]!)
    const values = Float64Array.from(sorted, row => counters.value[row]!)
    const name = `${names[counter]!.text} · ${thread}`
    return { kind: 'counter', name, process, counter, steps: new CounterSteps(atNs, values) }
  })
}

/** Leaves the thread out of the name of a counter that no other thread of its process has. */
function shortenNames(tracks: Track[], { names }: PageRecording): void {
  const owners = new Map<number, number>()
  for (const track of tracks) {
    if (track.kind === 'counter') owners.set(track.counter, (owners.get(track.counter) ?? 0) + 1)
  }
  for (const track of tracks) {
    if (track.kind === 'counter' && owners.get(track.counter) === 1) track.name = names[track.counter]!.text
  }
}

/** One group a device; its waits, which are the host's, are apart from what its streams did. */
function gpuGroups(recording: PageRecording): TrackGroup[] {
  const { gpu, launches, threads, streamNames = [] } = recording
  const devices = new Map<number, { waits: number[]; contexts: Map<number, Map<number, number[]>> }>()
  for (let row = 0; row < gpu.kind.length; row++) {
    const device = entry(devices, gpu.device[row]!, () => ({ waits: [], contexts: new Map() }))
    if (gpu.kind[row] === GPU_SYNC) {
      device.waits.push(row)
      continue
    }
    const context = entry(device.contexts, gpu.context[row]!, () => new Map<number, number[]>())
    entry(context, gpu.stream[row]!, (): number[] => []).push(row)
  }
  const track = (kind: 'stream' | 'waits', name: string, rows: number[]): EventTrack => {
    const { placed, laneCount } = plainLanes(Uint32Array.from(rows), gpu.startNs, gpu.durationNs)
    const launch = rows.map(row => gpu.launch[row]!).find(row => row >= 0)
    const process = launch === undefined ? 0 : threads[launches.thread[launch]!]!.process
    return { kind, name, process, events: 'gpu', rows: new RowIndex(gpu.startNs, laneCount, placed) }
  }
  return ascending(devices).map(([device, { waits, contexts }]) => ({
    name: `GPU ${device}`,
    tracks: [
      ...ascending(contexts).flatMap(([context, streams]) =>
        ascending(streams).map(([stream, rows]) => {
          const known = streamNames.find(of => of.context === context && of.stream === stream)
          const name = `stream ${stream}${known === undefined ? '' : ` · ${known.name}`}`
          return track('stream', contexts.size > 1 ? `context ${context} · ${name}` : name, rows)
        }),
      ),
      ...(waits.length > 0 ? [track('waits', 'waits of the host', waits)] : []),
    ],
  }))
}

function entry<V>(map: Map<number, V>, key: number, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}
const ascending = <V>(map: Map<number, V>): [number, V][] => [...map].sort(([a], [b]) => a - b)

/** Row numbers by key, each list ascending. */
function byKey(keys: Uint32Array, keyCount: number): Uint32Array[] {
  const counts = new Uint32Array(keyCount)
  for (const key of keys) counts[key]!++
  const lists = Array.from(counts, count => new Uint32Array(count))
  counts.fill(0)
  for (let row = 0; row < keys.length; row++) {
    const key = keys[row]!
    lists[key]![counts[key]!++] = row
  }
  return lists
}
function inOrder(rows: Uint32Array, atNs: Float64Array): Uint32Array {
  return rows.every((row, i) => i === 0 || atNs[rows[i - 1]!]! <= atNs[row]!)
    ? rows
    : rows.slice().sort((a, b) => atNs[a]! - atNs[b]! || a - b)
}
function joined(lists: Uint32Array[]): Uint32Array {
  const all = new Uint32Array(lists.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const list of lists) {
    all.set(list, at)
    at += list.length
  }
  return all
}
