// An XSpace as a reader sees it that knows its proto and nothing of opscope: test/format/xplane.proto through
// protobufjs, ids looked up. And what its readers ask of one beyond the proto.
import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'

const root = protobuf.loadSync(fileURLToPath(new URL('../format/xplane.proto', import.meta.url)))
export const XSPACE = root.lookupType('tensorflow.profiler.XSpace')

export type Arm = 'double' | 'uint64' | 'int64' | 'str' | 'ref'
export type Stats = Record<string, string | number | bigint>
export interface XEvent {
  name: string
  displayName: string
  startPs: bigint
  endPs: bigint
  stats: Stats
  /** Which member of the oneof each has. */
  arms: Record<string, Arm>
  /** Of all events of that name. */
  shared: Stats
}
export interface XLine {
  id: number
  name: string
  timestampNs: bigint
  events: XEvent[]
}
export interface XPlane {
  id: number
  name: string
  lines: XLine[]
  stats: Stats
  eventIds: bigint[]
  statIds: bigint[]
}
export interface XSpace {
  planes: XPlane[]
  errors: string[]
  warnings: string[]
  hostnames: string[]
}

type Json = Record<string, unknown>
const list = (value: unknown) => (value ?? []) as Json[]
const big = (value: unknown) => BigInt((value ?? 0) as string)

export function decodeXSpace(bytes: Uint8Array): XSpace {
  const space = XSPACE.toObject(XSPACE.decode(bytes), { longs: String }) as Json
  return {
    planes: list(space.planes).map(decodePlane),
    errors: (space.errors ?? []) as string[],
    warnings: (space.warnings ?? []) as string[],
    hostnames: (space.hostnames ?? []) as string[],
  }
}

function decodePlane(plane: Json): XPlane {
  const entries = (field: string) =>
    list(plane[field]).map(({ key, value }) => ({ key: big(key), value: value as Json }))
  const events = entries('eventMetadata')
  const stats = entries('statMetadata')
  for (const { key, value } of [...events, ...stats]) {
    if (big(value.id) !== key) throw new Error(`the key ${key} is not the id ${value.id}`)
  }
  const eventById = new Map(events.map(({ key, value }) => [key, value]))
  const statById = new Map(stats.map(({ key, value }) => [key, (value.name ?? '') as string]))
  const nameOf = (id: unknown) => {
    const name = statById.get(big(id))
    if (name === undefined) throw new Error(`no stat metadata ${id} in ${plane.name}`)
    return name
  }
  const decodeStats = (given: unknown) => {
    const values: Stats = {}
    const arms: Record<string, Arm> = {}
    for (const { metadataId, ...value } of list(given)) {
      const [arm, content] = Object.entries(value)[0] ?? []
      if (arm === undefined) throw new Error(`the stat ${nameOf(metadataId)} has no value`)
      const kind = arm.slice(0, -'Value'.length) as Arm
      const name = nameOf(metadataId)
      arms[name] = kind
      values[name] =
        kind === 'ref' ? nameOf(content) : kind.endsWith('int64') ? big(content) : (content as string | number)
    }
    return { values, arms }
  }
  return {
    id: Number(big(plane.id)),
    name: plane.name as string,
    stats: decodeStats(plane.stats).values,
    eventIds: events.map(({ key }) => key),
    statIds: stats.map(({ key }) => key),
    lines: list(plane.lines).map(line => ({
      id: Number(big(line.id)),
      name: (line.name ?? '') as string,
      timestampNs: big(line.timestampNs),
      events: list(line.events).map(event => {
        const metadata = eventById.get(big(event.metadataId))
        if (metadata === undefined) throw new Error(`no event metadata ${event.metadataId} in ${plane.name}`)
        if (event.offsetPs === undefined) throw new Error(`an event of ${line.name} has no offset_ps`)
        const startPs = big(line.timestampNs) * 1000n + big(event.offsetPs)
        const { values, arms } = decodeStats(event.stats)
        return {
          name: (metadata.name ?? '') as string,
          displayName: (metadata.displayName ?? '') as string,
          startPs,
          endPs: startPs + big(event.durationPs),
          stats: values,
          arms,
          shared: decodeStats(metadata.stats).values,
        }
      }),
    })),
  }
}

/** A stat, and the member of the oneof by which its readers know it. */
const ARMS: Record<string, Arm[]> = {
  correlation_id: ['uint64'],
  device_id: ['int64', 'uint64'],
  kernel_details: ['ref', 'str'],
  memcpy_details: ['ref', 'str'],
  Memset_details: ['ref', 'str'],
  tf_op: ['ref', 'str'],
  theoretical_occupancy_pct: ['double'],
  cuda_graph_id: ['uint64'],
  cuda_graph_node_id: ['uint64'],
  _r: ['int64'],
  step_num: ['int64'],
  _pt: ['int64'],
  _ct: ['int64'],
  bytes_allocated: ['int64'],
  bytes_available: ['int64'],
  peak_bytes_in_use: ['int64'],
  addr: ['int64'],
  fragmentation: ['double'],
}
const DERIVED = ['group_id', 'step_name', 'is_eager']
const YEAR_PS = 365n * 86_400n * 10n ** 12n

/** Everything that its readers ask of an XSpace; each complaint says where. */
export function lintXSpace(space: XSpace): string[] {
  const found: string[] = []
  const say = (where: string, what: string) => found.push(`${where}: ${what}`)
  if (space.hostnames.length !== 1 || space.hostnames[0] === '') say('space', `hostnames ${space.hostnames}`)
  if (space.planes[0]?.name !== '/host:CPU') say('space', 'the first plane is not /host:CPU')
  const names = space.planes.map(({ name }) => name)
  if (new Set(names).size !== names.length) say('space', `planes of one name: ${names}`)
  const gpus = names.filter(name => name.startsWith('/device:GPU:'))
  for (const [n, name] of gpus.entries()) if (name !== `/device:GPU:${n}`) say(name, `should be number ${n}`)
  const unknown = names.filter(name => !['/host:CPU', 'Task Environment', ...gpus].includes(name))
  if (unknown.length > 0) say('space', `planes that no viewer shows: ${unknown}`)

  const launched = new Set<bigint>()
  const host = space.planes.find(({ name }) => name === '/host:CPU')
  for (const event of host?.lines.flatMap(({ events }) => events) ?? []) {
    const id = event.stats.correlation_id
    if (id !== undefined) launched.add(id as bigint)
    const device = event.stats.device_id
    if (device !== undefined && Number(device) >= gpus.length) say(event.name, `device_id ${device}`)
    if (event.stats.tf_op !== undefined) say(event.name, 'tf_op on the host counts twice')
  }
  for (const plane of space.planes) lintPlane(plane, launched, say)
  return found
}

function lintPlane(plane: XPlane, launched: Set<bigint>, say: (where: string, what: string) => void): void {
  for (const [what, ids] of [
    ['event', plane.eventIds],
    ['stat', plane.statIds],
  ] as const) {
    if (new Set(ids).size !== ids.length) say(plane.name, `${what} metadata told twice`)
    if (ids.some(id => id < 1n || id >= 2n ** 32n)) say(plane.name, `${what} metadata ids beyond 1 to 2^32`)
  }
  const isGpu = plane.name.startsWith('/device:GPU:')
  if (isGpu && plane.id !== Number(plane.name.slice('/device:GPU:'.length))) say(plane.name, `has id ${plane.id}`)
  const lineNames = plane.lines.map(({ name }) => name)
  if (plane.name === '/host:CPU' && lineNames.some((name, i) => i > 0 && bytewise(lineNames[i - 1]!, name) > 0)) {
    say(plane.name, 'lines are not by name')
  }
  if (new Set(plane.lines.map(({ id }) => id)).size !== plane.lines.length) say(plane.name, 'two lines of one id')
  for (const line of plane.lines) {
    const where = `${plane.name} ${line.name}`
    if (line.id < 0 || line.id >= 2 ** 31) say(where, `id ${line.id} is cut or taken for a negative one`)
    if (line.id >= 0xdeadbeef && line.id < 0xdeadbeef + 400) say(where, 'reserved id')
    if (line.timestampNs < 0n || line.timestampNs * 1000n > YEAR_PS) say(where, 'timestamp_ns is not relative')
    if (line.events.length === 0) say(where, 'is empty')
    if (isGpu && !/^Stream #\d+(\([A-Za-z0-9,]+\)| waits)$/.test(line.name)) say(where, 'is no name of a stream')
    lintEvents(where, line.events, isGpu, launched, say)
  }
}

function lintEvents(
  where: string,
  events: XEvent[],
  isGpu: boolean,
  launched: Set<bigint>,
  say: (where: string, what: string) => void,
): void {
  const open: XEvent[] = []
  let before: XEvent | undefined
  for (const event of events) {
    const at = `${where} ${event.name} at ${event.startPs} ps`
    if (event.startPs < 0n || event.startPs > YEAR_PS) say(at, 'is not relative to the session')
    if (event.endPs < event.startPs) say(at, 'ends before it begins')
    if (before !== undefined && event.startPs < before.startPs) say(at, 'is not sorted by start')
    if (before !== undefined && event.startPs === before.startPs && event.endPs > before.endPs) {
      say(at, 'is longer than what comes before it at the same time')
    }
    before = event
    while (open.length > 0 && open.at(-1)!.endPs <= event.startPs) open.pop()
    if (open.length > 0 && event.endPs > open.at(-1)!.endPs) say(at, `crosses ${open.at(-1)!.name}`)
    open.push(event)
    for (const [name, arm] of Object.entries(event.arms)) {
      if (ARMS[name] !== undefined && !ARMS[name].includes(arm)) say(at, `${name} is ${arm}`)
      if (DERIVED.includes(name)) say(at, `${name} is for readers to derive`)
    }
    const isOp = /:[A-Z_]\w*$/.test(event.name)
    if (isOp && !isGpu && event.shared['opscope.category'] !== 'cpu_op') say(at, 'counts as an op by its name')
    if (isOp && !isGpu && !/^[A-Za-z0-9.][A-Za-z0-9_./>-]*:[A-Z_]\w*$/.test(event.name)) say(at, 'is no name of an op')
    if (!isGpu) continue
    const id = event.stats.correlation_id as bigint | undefined
    const isWait = where.endsWith(' waits')
    if (isWait !== (id === undefined)) say(at, 'a wait has no correlation_id, and all other work has one')
    if (id !== undefined && !launched.has(id)) say(at, `no launch ${id}`)
    const details = ['kernel_details', 'memcpy_details', 'Memset_details'].filter(
      name => event.stats[name] !== undefined,
    )
    if (details.length !== (isWait ? 0 : 1)) say(at, `details ${details}`)
    if (event.stats.kernel_details === '') say(at, 'is no kernel without kernel_details')
    const op = event.stats.tf_op
    if (op !== undefined && !/^[A-Za-z0-9.][A-Za-z0-9_./>-]*:[A-Z_]\w*$/.test(op as string)) say(at, `tf_op ${op}`)
  }
}
const bytewise = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
