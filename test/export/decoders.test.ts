// Our files through readers that are not ours: JSON.parse and protobufjs.
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import protobuf from 'protobufjs'
import { beforeAll, describe, expect, it } from 'vitest'

import type { Capture } from '../../src/capture.js'
import { buildCapture } from '../../src/rows.js'
import { INFERENCE_ROWS } from '../fixtures/inference-rows.js'
import { PROFILE } from '../import/paddle-proto.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-test-'))
let capture: Capture
/** Calls and summed ns of each op, by path. */
let truth: Map<string, [calls: number, ns: number]>
beforeAll(async () => {
  capture = await buildCapture(INFERENCE_ROWS)
  truth = new Map(capture.ops().map(({ path, calls, cpuNs }) => [JSON.stringify(path), [calls, cpuNs]]))
})
async function fileOf(name: string): Promise<Buffer> {
  await capture.export(join(folder, name))
  return readFileSync(join(folder, name))
}
function addUp(spans: { path: string[]; ns: number }[]): Map<string, [number, number]> {
  const sums = new Map<string, [number, number]>()
  for (const { path, ns } of spans) {
    const [calls, total] = sums.get(JSON.stringify(path)) ?? [0, 0]
    sums.set(JSON.stringify(path), [calls + 1, total + ns])
  }
  return sums
}
const printed = (name: string) => (name === 'matmul%layer1%' ? 'matmul0' : name === 'matmul%layer2%' ? 'matmul1' : name)

describe('a Chrome trace', () => {
  interface Event {
    ph: string
    name: string
    pid: number
    tid: number
    ts: number
    dur: number
    id?: number
    args?: { instance?: string; correlation?: number; sync_part?: boolean }
  }
  let events: Event[]
  beforeAll(async () => {
    events = JSON.parse((await fileOf('trace.json')).toString()).traceEvents
  })
  const slices = () => events.filter(({ ph }) => ph === 'X')

  it('nests by time on every track, to the same op rows', () => {
    const open = new Map<string, (Event & { path: string[] })[]>()
    const spans: { path: string[]; ns: number }[] = []
    for (const event of slices()) {
      const track = `${event.pid}:${event.tid}`
      const stack = open.get(track) ?? []
      open.set(track, stack)
      const ns = (us: number) => Math.round(us * 1000)
      while (stack.length > 0 && ns(stack.at(-1)!.ts) + ns(stack.at(-1)!.dur) <= ns(event.ts)) stack.pop()
      const outer = stack.at(-1)
      if (outer !== undefined) expect(ns(event.ts) + ns(event.dur)).toBeLessThanOrEqual(ns(outer.ts) + ns(outer.dur))
      const label = event.args?.instance === undefined ? event.name : printed(`${event.name}%${event.args.instance}%`)
      const path = [...(outer?.path ?? []), label]
      stack.push({ ...event, path })
      if (event.pid === 100 && event.args?.correlation === undefined) spans.push({ path, ns: ns(event.dur) })
    }
    expect(addUp(spans)).toEqual(truth)
  })
  it('joins each launch to its GPU row by one arrow', () => {
    const ends = (ph: string) => events.filter(event => event.ph === ph).map(({ id }) => id)
    expect(ends('s')).toHaveLength(4)
    expect(new Set(ends('s')).size).toBe(4)
    expect(ends('f')).toEqual(ends('s'))
  })
})

it('a Paddle profile holds the same op rows', async () => {
  const profile = PROFILE.toObject(PROFILE.decode(await fileOf('trace.paddle.pb')), { longs: Number }) as {
    events: { name: string; start_ns: number; end_ns: number; device_id: number; type: number }[]
  }
  const exact = PROFILE.toObject(PROFILE.decode(await fileOf('trace.paddle.pb')), { longs: String }) as {
    events: { start_ns: string; end_ns: string }[]
  }
  const spans = profile.events.flatMap((event, index) => {
    if (event.type !== 0 || event.device_id < 0) return []
    const { start_ns, end_ns } = exact.events[index]!
    const path = event.name.split('/').map(part => printed(part.replaceAll('\u2215', '/')))
    return [{ path, ns: Number(BigInt(end_ns) - BigInt(start_ns)) }]
  })
  expect(addUp(spans)).toEqual(truth)
})

it('a Perfetto trace begins and ends one slice for each span', async () => {
  const Trace = protobuf
    .parse(
      `syntax = "proto2"; package p;
       message EventName { optional uint64 iid = 1; optional string name = 2; }
       message InternedData { repeated EventName event_names = 2; }
       message TrackEvent { optional int32 type = 9; optional uint64 name_iid = 10; optional string name = 23; }
       message TracePacket { optional uint32 trusted_packet_sequence_id = 10; optional TrackEvent track_event = 11; optional InternedData interned_data = 12; }
       message Trace { repeated TracePacket packet = 1; }`,
      { keepCase: true },
    )
    .root.lookupType('p.Trace')
  interface Packet {
    trusted_packet_sequence_id: number
    track_event?: { type?: number; name_iid?: number; name?: string }
    interned_data?: { event_names?: { iid: number; name: string }[] }
  }
  const { packet } = Trace.toObject(Trace.decode(await fileOf('trace.pftrace')), { longs: Number }) as {
    packet: Packet[]
  }
  const names = new Map<string, string>()
  const begun = new Map<string, number>()
  let ended = 0
  for (const { trusted_packet_sequence_id: sequence, track_event: event, interned_data: interned } of packet) {
    for (const { iid, name } of interned?.event_names ?? []) names.set(`${sequence} ${iid}`, name)
    if (event?.type === 1) {
      const name = event.name ?? names.get(`${sequence} ${event.name_iid}`) ?? ''
      begun.set(name, (begun.get(name) ?? 0) + 1)
    }
    ended += event?.type === 2 ? 1 : 0
  }
  expect([...begun.values()].reduce((a, b) => a + b, 0)).toBe(ended)
  expect([begun.get('predict'), begun.get('compute'), begun.get('infer_shape')]).toEqual([1, 2, 1])
})
