// The two messages of TraceSetting in Triton's grpc_service.proto:
//   TraceSettingRequest  { map<string, SettingValue> settings = 1; string model_name = 2; }
//   TraceSettingResponse { map<string, SettingValue> settings = 1; }   SettingValue { repeated string value = 1; }
import { type Field, LENGTH, WireReader } from '../import/wire-reader.js'
import { WireWriter } from '../remote/wire-writer.js'

export interface SettingRequest {
  settings: Map<string, string[]>
  /** Empty: all models. */
  model: string
}

/** @throws Error for bytes that are no such message. Fields that it does not have are skipped. */
export function decodeSettingRequest(bytes: Uint8Array): SettingRequest {
  const request: SettingRequest = { settings: new Map(), model: '' }
  readMessage(bytes, field => {
    if (field.number === 1) {
      const [key, values] = decodeEntry(field.bytes)
      request.settings.set(key, values)
    } else if (field.number === 2) request.model = textOf(field)
  })
  return request
}

/** Texts stand as they are, lists as several values. */
export function encodeSettingResponse(settings: object): Buffer {
  const response = new WireWriter()
  for (const [key, setting] of Object.entries(settings) as [string, string | string[]][]) {
    const value = new WireWriter()
    // Not as strings, of which empty ones are left out: each is an element of a list.
    for (const text of [setting].flat()) value.bytes(1, Buffer.from(text))
    response.message(1, new WireWriter().string(1, key).message(2, value))
  }
  return response.finish()
}

// A map entry may lack its key or its value: each is then the default of its type.
function decodeEntry(bytes: Uint8Array): [key: string, values: string[]] {
  let key = ''
  const values: string[] = []
  readMessage(bytes, field => {
    if (field.number === 1) key = textOf(field)
    else if (field.number === 2) readMessage(field.bytes, value => value.number === 1 && values.push(textOf(value)))
  })
  return [key, values]
}

function readMessage(bytes: Uint8Array, onField: (field: Field) => void): void {
  const reader = new WireReader(bytes)
  for (let field = reader.next(); field !== undefined; field = reader.next()) {
    if (field.wireType === LENGTH) onField(field)
  }
  if (!reader.isAtEnd) throw new Error('the message ends in the middle of a field')
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
function textOf({ bytes }: Field): string {
  return UTF8.decode(bytes)
}
