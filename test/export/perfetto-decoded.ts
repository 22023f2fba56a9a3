// A capture file as a reader sees it that knows Perfetto's protos and nothing of opscope: test/format/perfetto.proto
// through protobufjs, words looked up, times on the session's clock.
import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'

const root = protobuf.loadSync(fileURLToPath(new URL('../format/perfetto.proto', import.meta.url)))
const TRACE = root.lookupType('perfetto.protos.Trace')

type Word = { iid?: string; text?: string; name?: string }
type Sides = { x?: number; y?: number; z?: number }
interface Annotation {
  nameIid?: string
  name?: string
  [value: string]: unknown
}
interface Packet {
  timestamp?: string
  timestampClockId?: number
  trustedPacketSequenceId?: number
  sequenceFlags?: number
  tracePacketDefaults?: { trackEventDefaults?: { trackUuid?: string } }
  internedData?: Record<string, Word[]>
  trackDescriptor?: {
    uuid: string
    parentUuid?: string
    name?: string
    counter?: { unit?: number }
    process?: { pid: number; processName?: string }
    thread?: { pid: number; tid: number; threadName?: string }
  }
  trackEvent?: {
    type: number
    trackUuid?: string
    nameIid?: string
    name?: string
    counterValue?: string
    flowIds?: string[]
    gpuCorrelation?: { submissionEventIds?: string[] }
    debugAnnotations?: Annotation[]
  }
  gpuRenderStageEvent?: {
    eventId: string
    duration?: string
    gpuId?: number
    hwQueueIid: string
    stageIid: string
    nameIid: string
    launch?: { gridSize?: Sides; workgroupSize?: Sides; args?: Record<string, unknown>[] }
  }
  gpuInfo?: { gpus: { name?: string; uuid?: string; extraInfo?: { key: string; value: string }[] }[] }
}

export interface DecodedStage {
  name: string
  stage: string
  queue: string
  gpu: number
  eventId: string
  startNs: number
  durationNs: number
  grid?: Sides | undefined
  block?: Sides | undefined
  args: Record<string, string>
}
export interface DecodedEvent {
  type: number
  name: string
  track: string
  unit: number | undefined
  atNs: number
  counter: string | undefined
  submits: string[]
  flows: string[]
  /** Of the process that the track is below. */
  pid: number | undefined
  notes: Record<string, string>
}
export interface Decoded {
  processes: { pid: number; name: string }[]
  threads: { pid: number; tid: number; name: string; parentPid: number | undefined }[]
  stages: DecodedStage[]
  events: DecodedEvent[]
  gpus: NonNullable<Packet['gpuInfo']>['gpus']
}

const SESSION_CLOCK = 65

export function decodePerfetto(bytes: Uint8Array): Decoded {
  const trace = TRACE.toObject(TRACE.decode(bytes), { longs: String, bytes: String }) as { packet: Packet[] }
  const decoded: Decoded = { processes: [], threads: [], stages: [], events: [], gpus: [] }
  const tracks = new Map<string, NonNullable<Packet['trackDescriptor']>>()
  const words = new Map<string, string>()
  const defaultTracks = new Map<number, string>()
  const pidOf = (uuid: string | undefined): number | undefined => {
    const track = tracks.get(uuid ?? '')
    return track?.process?.pid ?? (track === undefined ? undefined : pidOf(track.parentUuid))
  }
  const clocks = new Map<number, number>()
  for (const packet of trace.packet) {
    const sequence = packet.trustedPacketSequenceId ?? 0
    if (((packet.sequenceFlags ?? 0) & 1) !== 0) {
      clocks.set(sequence, 0)
    }
    for (const [table, entries] of Object.entries(packet.internedData ?? {})) {
      for (const { iid, text, name } of entries) {
        words.set(`${sequence} ${table} ${iid}`, text ?? name ?? '')
      }
    }
    const word = (table: string, iid: unknown): string =>
      words.get(`${sequence} ${table} ${iid}`) ?? `? ${table} ${iid}`
    if (packet.trackDescriptor !== undefined) {
      const { uuid, parentUuid, process, thread } = packet.trackDescriptor
      const isNew = !tracks.has(uuid)
      tracks.set(uuid, packet.trackDescriptor)
      if (isNew && process !== undefined) decoded.processes.push({ pid: process.pid, name: process.processName ?? '' })
      if (thread !== undefined) {
        const { pid, tid, threadName: name = '' } = thread
        decoded.threads.push({ pid, tid, name, parentPid: pidOf(parentUuid) })
      }
    }
    let atNs = Number(packet.timestamp ?? 0)
    if (packet.timestamp !== undefined && packet.timestampClockId !== SESSION_CLOCK) {
      atNs += clocks.get(sequence) ?? 0
      clocks.set(sequence, atNs)
    }
    decoded.gpus.push(...(packet.gpuInfo?.gpus ?? []))
    const defaultTrack = packet.tracePacketDefaults?.trackEventDefaults?.trackUuid
    if (defaultTrack !== undefined) defaultTracks.set(sequence, defaultTrack)
    const event = packet.trackEvent
    if (event !== undefined) {
      const track = tracks.get(event.trackUuid ?? '')
      const notes = (event.debugAnnotations ?? []).map(({ nameIid, name, ...value }) => {
        return [name ?? word('debugAnnotationNames', nameIid), plain(Object.values(value)[0])]
      })
      decoded.events.push({
        type: event.type,
        name: event.name ?? (event.nameIid === undefined ? '' : word('eventNames', event.nameIid)),
        track: track?.name ?? '',
        unit: track?.counter?.unit,
        atNs,
        counter: event.counterValue,
        flows: event.flowIds ?? [],
        pid: pidOf(event.trackUuid ?? defaultTracks.get(sequence)),
        submits: event.gpuCorrelation?.submissionEventIds ?? [],
        notes: Object.fromEntries(notes),
      })
    }
    const stage = packet.gpuRenderStageEvent
    if (stage !== undefined) {
      const args = (stage.launch?.args ?? []).map(({ nameIid, name, ...value }) => {
        return [name ?? word('computeArgNames', nameIid), String(Object.values(value)[0])]
      })
      decoded.stages.push({
        name: word('eventNames', stage.nameIid),
        stage: word('gpuSpecifications', stage.stageIid),
        queue: word('gpuSpecifications', stage.hwQueueIid),
        gpu: stage.gpuId ?? 0,
        eventId: stage.eventId,
        startNs: atNs,
        durationNs: Number(stage.duration ?? 0),
        grid: stage.launch?.gridSize,
        block: stage.launch?.workgroupSize,
        args: Object.fromEntries(args),
      })
    }
  }
  return decoded
}

function plain(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
