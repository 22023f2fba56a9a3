// Whose a stage is, by the names that Paddle Serving's clients and servers give.
import type { LoggedStage, ProfileRecord } from './records.js'

export type Side = 'client' | 'py' | 'server'
export interface SidedStage extends LoggedStage {
  side: Side
  /** The number of a Pipeline server's request. */
  request?: string
}

const SERVER_TOTAL = 'server_total'
const SERVER_OP = /^op\d+$/
/** Tracks of the Pipeline server: `[op|slot]`, its executor, a request. */
const PIPELINE_TRACK = /^(\[.*\]|@.*|DAG\b.*)$/

/**
 * The stages of a record with their sides. The server's ops stand beside the client_infer that waited for them. The last
 * is the whole call where it encloses the others, and is then named so: servers of 2021-09 and later send that.
 */
export function sidedStages({ stages }: ProfileRecord): SidedStage[] {
  if (!stages.some(({ name }) => name === 'client_infer')) {
    return stages.map(stage => numberedStage(stage) ?? sided(stage, sideOf(stage)))
  }
  const ops = stages.filter(({ name }) => SERVER_OP.test(name))
  const last = ops.reduce<LoggedStage | undefined>(
    (latest, op) => (latest === undefined || numberOf(op) > numberOf(latest) ? op : latest),
    undefined,
  )
  const isTotal = last !== undefined && ops.every(op => op.startUs >= last.startUs && op.endUs <= last.endUs)
  return stages.map(stage => {
    if (isTotal && stage === last) return { ...stage, name: SERVER_TOTAL, side: 'server' }
    return sided(stage, ops.includes(stage) ? 'server' : sideOf(stage))
  })
}

// Not by spreading: a log of a million requests takes 12 s with it, and 7 s so.
function sided({ name, track, startUs, endUs }: LoggedStage, side: Side): SidedStage {
  return { name, track, startUs, endUs, side }
}

/** A Pipeline server numbers what it tells of its requests: call_7 on DAG-7, prepack_7 and postpack_7 of its executor. */
function numberedStage(stage: LoggedStage): SidedStage | undefined {
  if (stage.track === '') return undefined
  const [, name, request] = /^(call|prepack|postpack)_(\d+)$/.exec(stage.name) ?? []
  const [track] = /^(?:DAG(?=-|$)|@.*)/.exec(stage.track) ?? []
  if (name === undefined || request === undefined || track === undefined) return undefined
  return { ...stage, name, track, side: 'server', request }
}

function sideOf({ name, track }: LoggedStage): Side {
  if (track !== '' && PIPELINE_TRACK.test(track)) return 'server'
  return name.startsWith('py_') ? 'py' : 'client'
}
function numberOf({ name }: LoggedStage): number {
  return Number(name.slice('op'.length))
}
