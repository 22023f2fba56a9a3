// What a program did, told by itself, to be compared with the recording that its end left behind.
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

import { FLAG_UNFINISHED, native } from '../../src/binding.js'
import { Capture } from '../../src/capture.js'

/**
 * Goes before the text of a program, on any thread: `deed(name, body)` runs a body that records the next span of a name
 * and then tells that it did, `tell` tells anything. Each thread has a file of its own, beside TRUTH; what is written
 * there outlives the process. A deed is told after its span ended, so that one which is cut off may be in the recording
 * and untold, but is never told without having been done.
 */
export const TRUTH = `
  const { openSync: openTruth, writeSync: writeTruth } = process.getBuiltinModule('node:fs')
  const truth = openTruth(process.env.TRUTH + '.' + Math.random().toString(36).slice(2), 'a')
  const tell = line => writeTruth(truth, line + '\\n')
  const deeds = new Map()
  const now = () => process.hrtime.bigint()
  function deed(name, body) {
    const number = deeds.get(name) ?? 0
    deeds.set(name, number + 1)
    const from = now()
    const done = () => tell([name, number, from, now()].join('\\t'))
    const result = body(number)
    return result instanceof Promise ? result.then(done) : done()
  }
  const nap = ms => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
`

/** A span that ended: it began after `fromNs` and ended before `toNs`, of CLOCK_MONOTONIC. */
export interface Deed {
  name: string
  /** Among those of its name, in the order of their begins. */
  number: number
  fromNs: bigint
  toNs: bigint
}
export interface Truth {
  deeds: Deed[]
  /** What `tell('word ' + now())` said, by its word. */
  momentsNs: Map<string, bigint>
}

/** @param path the variable TRUTH of the program */
export function readTruth(path: string): Truth {
  const names = readdirSync(dirname(path)).filter(name => name.startsWith(`${basename(path)}.`))
  // Without what follows the last end of a line: the program may have been cut off while it wrote.
  const lines = names.flatMap(name =>
    readFileSync(join(dirname(path), name), 'utf8')
      .split('\n')
      .slice(0, -1),
  )
  const truth: Truth = { deeds: [], momentsNs: new Map() }
  for (const line of lines) {
    const [name = '', number, fromNs, toNs] = line.split('\t')
    if (toNs !== undefined) {
      truth.deeds.push({ name, number: Number(number), fromNs: BigInt(fromNs!), toNs: BigInt(toNs) })
    } else {
      const [word = '', atNs = '0'] = line.split(' ')
      truth.momentsNs.set(word, BigInt(atNs))
    }
  }
  return truth
}

export interface Comparison {
  /** How many deeds had ended by then, and so must be in the recording. */
  due: number
  /** In words: deeds that are due and not there, spans that nobody did, wrong times and attributes. */
  faults: string[]
}

// A deed is timed outside its span, and CLOCK_MONOTONIC against the counter of the CPU, which is mapped to within
// microseconds; a wrong mapping is off by milliseconds.
const CLOCK_TOLERANCE_NS = 200_000n

// Deeds of one name that were done and not told yet when the program ended: as many as it has under way at a time.
const MOST_UNTOLD = 8

/**
 * What ended before `beforeNs` must be in the capture. What is there was done by the program in its time, and where its
 * name is one of `numbered`, its number is its attribute `number`.
 */
export function compare(capture: Capture, truth: Truth, beforeNs: bigint, numbered = /^$/): Comparison {
  const { originClockNs, attributes } = native().view(Capture.recordingOf(capture))
  const numbers = new Map(attributes.flatMap(({ row, key, value }) => (key === 'number' ? [[row, value]] : [])))
  const faults: string[] = []
  const recorded = new Map<string, { startNs: bigint; endNs: bigint }>()
  const counts = new Map<string, number>()
  const doers = new Set(truth.deeds.map(({ name }) => name))
  const { spans } = capture
  for (let row = 0; row < spans.length; row++) {
    const name = spans.names[spans.name[row]!]!.text
    if (!doers.has(name)) continue
    const count = counts.get(name) ?? 0
    counts.set(name, count + 1)
    if (spans.flags[row]! & FLAG_UNFINISHED) continue
    if (numbered.test(name) && numbers.get(row) !== count)
      faults.push(`${name} ${count} has the number ${numbers.get(row)}`)
    const startNs = originClockNs + spans.startNs[row]!
    recorded.set(`${name} ${count}`, { startNs, endNs: startNs + spans.durationNs[row]! })
  }
  const due = truth.deeds.filter(({ toNs }) => toNs <= beforeNs)
  for (const { name, number } of due)
    if (!recorded.has(`${name} ${number}`)) faults.push(`${name} ${number} is missing`)
  for (const { name, number, fromNs, toNs } of truth.deeds) {
    const span = recorded.get(`${name} ${number}`)
    recorded.delete(`${name} ${number}`)
    if (span === undefined) continue
    const [early, late] = [fromNs - span.startNs, span.endNs - toNs]
    if (early > CLOCK_TOLERANCE_NS || late > CLOCK_TOLERANCE_NS)
      faults.push(`${name} ${number} is ${early} ns too early or ${late} ns too late`)
  }
  const told = new Map<string, number>()
  for (const { name } of truth.deeds) told.set(name, (told.get(name) ?? 0) + 1)
  for (const key of recorded.keys()) {
    const [, name = '', number] = /^(.*) (\d+)$/.exec(key)!
    if (Number(number) >= told.get(name)! + MOST_UNTOLD) faults.push(`${key} was never done`)
  }
  return { due: due.length, faults }
}
