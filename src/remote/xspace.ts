import { CATEGORIES, native } from '../binding.js'
import { Capture } from '../capture.js'
import { WireWriter } from './wire-writer.js'

// Fields of tensorflow.profiler.XSpace.
const ERRORS = 2
const WARNINGS = 3
// A message around an XSpace puts less than this before it.
const MESSAGE_ROOM_BYTES = 64

/** What a reply says of itself; the viewer shows it beside the capture. */
export interface Notes {
  warnings: readonly string[]
  errors: readonly string[]
}

/** Bytes that may be hundreds of MiB, with room for a few before them in the same memory. */
export class RoomyBytes {
  readonly bytes: Uint8Array
  #room: number

  /** @param room how many bytes before the first are free */
  constructor(bytes: Uint8Array, room: number) {
    this.bytes = bytes
    this.#room = room
  }

  /** The bytes with others before them, which take the room: nothing is copied. */
  after(before: Uint8Array): RoomyBytes {
    const { buffer, byteOffset, length } = this.bytes
    if (before.length > this.#room) throw new RangeError(`${before.length} bytes do not fit before the XSpace`)
    const whole = new Uint8Array(buffer, byteOffset - before.length, length + before.length)
    whole.set(before)
    return new RoomyBytes(whole, this.#room - before.length)
  }
}

/**
 * The capture as a serialized XSpace of at most so many bytes, made off the JavaScript thread: the oldest events are left
 * out beyond.
 */
export async function xspaceOf(capture: Capture, maxBytes: number, notes: Notes): Promise<RoomyBytes> {
  const said = new WireWriter()
  for (const text of notes.errors) said.string(ERRORS, text)
  for (const text of notes.warnings) said.string(WARNINGS, text)
  const headroom = said.length + MESSAGE_ROOM_BYTES
  const bytes = await native().toXplane(Capture.recordingOf(capture), { maxBytes, headroom })
  // Two XSpaces in a row are one: a reader takes the fields of both.
  return new RoomyBytes(bytes, headroom).after(said.finish())
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
