// Plain rows played by build/test-fakes/opscope_player: the spans through the recorder, the CUDA calls and GPU rows through
// the fake libraries and the real back end, all under one scripted clock, into a file that is loaded back.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { type Capture, loadCapture } from '../../src/index.js'
import type { CaptureRows, GpuRow } from '../../src/row-types.js'
import { FAKES, type FakeMachine, fakeGpu, fakeMachine } from './fake-gpu.js'

/** The capture of rows of one thread whose spans nest by time. */
export async function play(rows: CaptureRows, machine: FakeMachine = {}): Promise<Capture> {
  const folder = mkdtempSync(join(tmpdir(), 'opscope-player-'))
  const file = join(folder, 'played.pftrace')
  try {
    await new Promise<void>((resolve, reject) => {
      const player = execFile(
        join(FAKES, 'opscope_player'),
        [file],
        { env: { ...process.env, ...fakeMachine(machine) }, timeout: 60_000 },
        (error, _, stderr) => (error === null ? resolve() : reject(new Error(`${error.message}\n${stderr}`))),
      )
      player.stdin!.end(planOf(rows))
    })
    return await loadCapture(file)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

// What touches comes in this order.
const ORDER = { end: 0, begin: 1, launch: 2 } as const

function planOf({ spans = [], launches = [], gpu = [], ...rest }: CaptureRows): string {
  const events: { at: number; kind: keyof typeof ORDER; depth: number; lines: string[] }[] = []
  for (const [depth, { name, role = 'op', startNs, endNs }] of spans.entries()) {
    events.push({ at: startNs, kind: 'begin', depth, lines: [`begin ${name} ${role}`] })
    // Of spans that end together the inner one, which began later, ends first.
    events.push({ at: endNs!, kind: 'end', depth: -depth, lines: ['end'] })
  }
  for (const [depth, { name, startNs, endNs, correlationId }] of launches.entries()) {
    const call = fakeGpu().call(name, { at: startNs, dur: endNs - startNs, correlation: Number(correlationId) })
    const script = gpu.filter(row => row.correlationId === correlationId).reduce(addWork, call)
    events.push({ at: startNs, kind: 'launch', depth, lines: gpuLines(String(script)) })
  }
  events.sort((a, b) => a.at - b.at || ORDER[a.kind] - ORDER[b.kind] || a.depth - b.depth)
  const endNs = Math.max(...events.map(({ at }) => at), ...gpu.map(row => row.endNs))
  return [
    `meta ${JSON.stringify({ state: rest.state ?? 'All', tracerOption: rest.tracerOption ?? 'Default' })}`,
    ...events.flatMap(({ at, lines }) => [`at ${at}`, ...lines]),
    `at ${endNs + 1}`,
    '',
  ].join('\n')
}

const DIRECTIONS = { 'pageable>device': 'htod', 'device>pageable': 'dtoh', 'device>device': 'dtod' } as const

function addWork(script: ReturnType<typeof fakeGpu>, row: GpuRow): ReturnType<typeof fakeGpu> {
  const { kind, name, from, to, bytes, startNs, endNs, stream, correlationId } = row
  const place = { from: startNs, to: endNs, stream: stream ?? 7, correlation: Number(correlationId) }
  if (kind === 'kernel') return script.kernel(name, place)
  const direction = DIRECTIONS[`${from}>${to}` as keyof typeof DIRECTIONS]
  if (kind !== 'copy' || direction === undefined) throw new Error(`no way to play a ${kind} from ${from} to ${to}`)
  const isAsync = String(script).includes('cudaMemcpyAsync')
  return script.memcpy(direction, { ...place, bytes: bytes ?? 0, async: isAsync })
}

// The player's clock starts at 1 s; in its script, times without a sign are those of that clock.
const START_NS = 1_000_000_000
const gpuLines = (script: string): string[] =>
  script
    .trim()
    .split('\n')
    .map(line => `gpu ${line.replace(/\bat=\+(\d+)/, (_, ns) => `at=${START_NS + Number(ns)}`)}`)
