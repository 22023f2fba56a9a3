import { LENGTH, WireReader } from '../import/wire-reader.js'

/** What a server wrote beside its planes. */
export interface XspaceNotes {
  errors: string[]
  warnings: string[]
}

const ERRORS = 2
const WARNINGS = 3
// Of a server that has more to say, the first say it.
const MOST_NOTES = 20
const LONGEST_NOTE_BYTES = 1000

/** Reads the notes of a serialized XSpace; bytes that are none have no more of them. */
export function xspaceNotes(bytes: Uint8Array): XspaceNotes {
  const notes: XspaceNotes = { errors: [], warnings: [] }
  try {
    const reader = new WireReader(bytes, Number.POSITIVE_INFINITY)
    for (let field = reader.next(); field !== undefined; field = reader.next()) {
      if (field.wireType !== LENGTH) continue
      const list = field.number === ERRORS ? notes.errors : field.number === WARNINGS ? notes.warnings : undefined
      if (list === undefined || list.length >= MOST_NOTES) continue
      list.push(Buffer.from(field.bytes.subarray(0, LONGEST_NOTE_BYTES)).toString())
    }
  } catch {
    return notes
  }
  return notes
}
