import { realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

import { type NativeWarning, native, type RecordingHandle, type RecordingView } from './binding.js'
import { Capture } from './capture.js'
import { OpscopeError } from './errors.js'
import { layProfile, type Profile, processOf } from './lay-profile.js'
import { loadMergeInput, loadRecording } from './load-capture.js'
import { parseMeta, warningsOf } from './model/capture-meta.js'
import { alignClocks } from './model/clock-alignment.js'
import { differences, mergedMeta } from './model/merged-meta.js'
import type { CaptureMeta } from './model/ops.js'
import { processText } from './model/process-text.js'
import { processEntries } from './model/processes.js'
import { recordedSpanCount } from './model/samples.js'
import { ownError } from './native-error.js'
import { nameHint } from './nearest-name.js'
import { checkKeys } from './option-checks.js'

export interface MergeOptions {
  /** ns added to the wall clock of a host, by its name: for clocks that were not set alike. @default none */
  shiftNs?: Readonly<Record<string, number>>
}

/** One capture of the merge, before anything is joined. */
interface Part {
  /** The path of its file, or its place among the captures. */
  label: string
  recording: RecordingHandle
  view: RecordingView
  meta: CaptureMeta
  processes: ReturnType<typeof processEntries>
  /** That the native side knows nothing of. */
  warnings: NativeWarning[]
}

// Times are numbers in JavaScript: exact up to here, which is 104 days.
const LONGEST_NS = BigInt(Number.MAX_SAFE_INTEGER)

/**
 * Joins captures of several processes and hosts to one, on one timeline: threads keep their process, `processes` tells
 * host and pid. Captures of one boot of one host keep their exact distance; between hosts it is that of their wall
 * clocks. Files are read as by loadCapture(). A CPU profile of V8 among them is laid under the capture of its process: the
 * functions that ran have the op that was open as their parent, and are in no figure of an op.
 *
 * @throws OpscopeError ERR_OPSCOPE_MERGE naming the capture: without a wall clock, given twice, 104 days from the
 * others, a profile of another process or time; ERR_OPSCOPE_OPTION_VALUE without a capture or for a shift of an unknown host; what loadCapture() throws
 * @example
 * const all = await mergeCaptures(['client.pftrace', 'server.pftrace'], { shiftNs: { 'host-b': 1_500_000 } })
 * for (const { host, pid, name } of all.processes) console.log(host, pid, name)
 * await all.export('all.pftrace')
 */
export async function mergeCaptures(
  captures: readonly (Capture | string | URL)[],
  options: MergeOptions = {},
): Promise<Capture> {
  checkKeys(options, ['shiftNs'])
  if (!Array.isArray(captures) || captures.length === 0) {
    throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', 'A merge needs at least one capture.')
  }
  const parts: Part[] = []
  const profiles: Profile[] = []
  for (const [index, capture] of captures.entries()) {
    const input = await readInput(capture, index, captures.length)
    if ('samples' in input) profiles.push(input)
    else parts.push(input)
  }
  checkShifts(options.shiftNs ?? {}, parts)
  checkTwins(parts)
  checkProfiles(parts, profiles)
  // One alone is what it was.
  const [first] = captures
  if (captures.length === 1 && first instanceof Capture) return first
  try {
    for (const profile of profiles) await lay(profile, parts)
    const plan = planOf(parts, options.shiftNs ?? {})
    return await Capture.fromHandle(parts.length === 1 ? parts[0]!.recording : await native().merge(plan))
  } catch (error) {
    throw ownError(error, 'Cannot merge the captures')
  }
}

async function readInput(given: Capture | string | URL, index: number, count: number): Promise<Part | Profile> {
  if (given instanceof Capture) {
    const recording = Capture.recordingOf(given)
    const view = native().view(recording)
    return partOf(`captures[${index}]`, recording, given.warnings.slice(view.warnings.length))
  }
  if (typeof given !== 'string' && !(given instanceof URL)) {
    throw new OpscopeError(
      'ERR_OPSCOPE_OPTION_VALUE',
      `Expected captures[${index}] to be a capture or the path of a file.`,
    )
  }
  const path = typeof given === 'string' ? given : fileURLToPath(given)
  // A profile alone is a capture too.
  if (count === 1) return partOf(path, await loadRecording(path))
  const input = await loadMergeInput(path)
  return 'samples' in input ? { label: path, samples: input.samples } : partOf(path, input.recording)
}
function partOf(label: string, recording: RecordingHandle, warnings?: NativeWarning[]): Part {
  const view = native().view(recording)
  const meta = parseMeta(view.metaJson)
  const own = (warnings ?? warningsOf(meta)).map(({ code, detail, count }) => ({ code, detail, count }))
  return { label, recording, view, meta, processes: processEntries(view, meta), warnings: own }
}

function checkProfiles(parts: readonly Part[], profiles: readonly Profile[]): void {
  const [profile] = profiles
  if (profile === undefined) return
  if (parts.length === 0) {
    throw new OpscopeError(
      'ERR_OPSCOPE_MERGE',
      'There are only CPU profiles, and no capture to lay them under.',
      'Name the capture that was recorded in the same run.',
    )
  }
  const merged = parts.find(({ view }) => view.processes.length > 0)
  if (merged !== undefined) {
    throw new OpscopeError(
      'ERR_OPSCOPE_MERGE',
      `${merged.label} is of several processes, and ${profile.label} of one.`,
      'Lay profiles under the single captures, and then merge them; both can be done at once.',
    )
  }
}
/** Puts the profile under the capture of its process, among the parts. */
async function lay(profile: Profile, parts: Part[]): Promise<void> {
  const part = processOf(profile, parts)
  parts[parts.indexOf(part)] = partOf(part.label, await layProfile(profile, part), part.warnings)
}

function checkShifts(shifts: Readonly<Record<string, number>>, parts: readonly Part[]): void {
  const hosts = [...new Set(parts.flatMap(({ processes }) => processes.map(({ host }) => host)))]
  for (const [host, shiftNs] of Object.entries(shifts)) {
    if (!Number.isSafeInteger(shiftNs)) {
      throw new OpscopeError(
        'ERR_OPSCOPE_OPTION_VALUE',
        `Expected the shift of host "${host}" to be whole ns, got ${shiftNs}.`,
      )
    }
    if (!hosts.includes(host)) {
      throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', `No capture is of host "${host}".`, nameHint(host, hosts))
    }
  }
  const merged = parts.find(({ processes }) => new Set(processes.map(({ host }) => host)).size > 1)
  if (merged !== undefined && Object.keys(shifts).length > 0) {
    throw new OpscopeError(
      'ERR_OPSCOPE_MERGE',
      `${merged.label} holds several hosts, whose distance is fixed.`,
      'Shift hosts where the single captures are merged.',
    )
  }
}

/** A process that is there twice would count twice. */
function checkTwins(parts: readonly Part[]): void {
  const seen = new Map<string, string>()
  const see = (key: string, label: string, what: string) => {
    const other = seen.get(key)
    if (other !== undefined) {
      throw new OpscopeError(
        'ERR_OPSCOPE_MERGE',
        `${label} and ${other} hold the same recording, ${what}.`,
        'Give each capture once, and no capture beside a merged one that it is part of.',
      )
    }
    seen.set(key, label)
  }
  for (const [index, { label, recording, processes }] of parts.entries()) {
    const twin = parts.findIndex(part => part.recording === recording)
    see(`file ${realPath(parts[twin]!.label)}`, label, index === twin ? 'under one name' : 'being the same object')
    const own = new Set<string>()
    for (const { host, id, name, originEpochNs, originClockNs } of processes) {
      // Sessions of one process have starts of their own.
      if (id !== 0) own.add(`${host} ${id} ${originEpochNs} ${originClockNs}|${processText({ host, id, name })}`)
    }
    for (const key of own) see(key, label, `of ${key.slice(key.indexOf('|') + 1)}`)
  }
}
function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return resolve(path)
  }
}

function planOf(parts: readonly Part[], shifts: Readonly<Record<string, number>>) {
  const unknown = parts.length > 1 ? parts.find(({ view }) => view.originEpochNs === 0n) : undefined
  if (unknown !== undefined) {
    throw new OpscopeError(
      'ERR_OPSCOPE_MERGE',
      `${unknown.label} does not say when it was recorded: its wall clock is unknown.`,
      'opscope timeline draws such captures side by side, all from 0.',
    )
  }
  const { startsNs, steps } = alignClocks(
    parts.map(({ view, meta, processes }) => ({
      originEpochNs: view.originEpochNs,
      originClockNs: view.originClockNs,
      clockId: meta.clockId,
      shiftNs: BigInt(shifts[processes[0]!.host] ?? 0),
    })),
  )
  const order = [...parts.keys()].sort((a, b) => Number(startsNs[a]! - startsNs[b]!))
  const originEpochNs = startsNs[order[0]!]!
  for (const index of order) {
    const endNs = startsNs[index]! - originEpochNs + BigInt(parts[index]!.view.durationNs)
    if (endNs <= LONGEST_NS) continue
    throw new OpscopeError(
      'ERR_OPSCOPE_MERGE',
      `${parts[index]!.label} lies more than 104 days after ${parts[order[0]!]!.label}.`,
      'One of the clocks was wrong: shift its host, or leave the capture out.',
    )
  }
  const facts = parts.map(({ label, meta, view }) => ({ label, meta, spanCount: recordedSpanCount(view) }))
  const stepped = steps.map(({ indices, byNs }) => ({
    code: 'clock-stepped',
    detail:
      `the wall clock of ${parts[indices[0]!]!.processes[0]!.host || 'a host'} was set by ${Number(byNs) / 1e6} ms ` +
      'between its captures; they are aligned by the clock that is never set',
    count: indices.length - 1,
  }))
  const late = parts.flatMap(part => named(part, part.warnings))
  return {
    parts: order.map(index => {
      const { recording, processes } = parts[index]!
      const { host, name } = processes[0]!
      return { recording, shiftNs: Number(startsNs[index]! - originEpochNs), host, name }
    }),
    originEpochNs,
    originClockNs: parts[order[0]!]!.view.originClockNs,
    metaJson: JSON.stringify(mergedMeta(facts, [...late, ...differences(facts), ...stepped])),
    warnings: recordedWarnings(order.map(index => parts[index]!)),
  }
}

// Loading a capture finds it anew, for all processes together.
const FOUND_WHEN_LOADED = 'duplicate-correlation'

function recordedWarnings(parts: readonly Part[]): NativeWarning[] {
  const all = parts.flatMap(part => named(part, part.view.warnings))
  const found = parts.flatMap(({ view }) => view.warnings.filter(({ code }) => code === FOUND_WHEN_LOADED))
  const others = all.filter(({ code }) => code !== FOUND_WHEN_LOADED)
  if (found.length === 0) return others
  return [...others, { ...found[0]!, count: found.reduce((sum, { count }) => sum + count, 0) }]
}
/** The warnings with the process that they are of; those of a merged capture tell it already. */
function named({ view, processes, label }: Part, warnings: readonly NativeWarning[]): NativeWarning[] {
  if (view.processes.length > 0) return [...warnings]
  const [process] = processes
  const isKnown = process!.id !== 0 || process!.host !== ''
  const where = isKnown ? processText(process!) : label
  return warnings.map(({ code, detail, count }) => ({
    code,
    detail: `${detail || code.replaceAll('-', ' ')} [${where}]`,
    count,
  }))
}
