import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

let count = 0

import { CATEGORIES, native } from '../binding.js'
import { Capture } from '../capture.js'
import { WireWriter } from './wire-writer.js'

// Fields of tensorflow.profiler.XSpace.
const ERRORS = 2
const WARNINGS = 3

/** The capture as a serialized XSpace of at most so many bytes, made off the JavaScript thread: the oldest events are left out beyond. */
export async function xspaceOf(capture: Capture, maxBytes: number): Promise<Uint8Array> {
  const path = join(tmpdir(), `opscope-${process.pid}-${count++}.pftrace`)
  await capture.export(path)
  const bytes = await readFile(path)
  await rm(path)
  return bytes.subarray(0, maxBytes)
}

/** With what the reply has to say of itself: of two XSpaces in a row, a reader takes the fields together. */
export function withNotes(xspace: Uint8Array, warnings: readonly string[], errors: readonly string[] = []): Uint8Array {
  if (warnings.length === 0 && errors.length === 0) return xspace
  const notes = new WireWriter()
  for (const text of errors) notes.string(ERRORS, text)
  for (const text of warnings) notes.string(WARNINGS, text)
  return Buffer.concat([xspace, notes.finish()])
}

// What opscope samples by itself while it records.
const OWN_CATEGORIES = ['gc', 'event_loop']

/** Whether the program itself did nothing that was recorded. */
export function isEmpty(capture: Capture): boolean {
  const { names, name } = capture.spans
  const isOwn = names.map(({ category }) => OWN_CATEGORIES.includes(CATEGORIES[category] ?? ''))
  if (name.some(each => !isOwn[each])) return false
  const { marks, counters, gpu } = native().view(Capture.recordingOf(capture))
  return marks.name.length === 0 && gpu.startNs.length === 0 && counters.name.every(each => isOwn[each])
}
