// The two messages of TraceSetting in Triton's grpc_service.proto:
//   TraceSettingRequest  { map<string, SettingValue> settings = 1; string model_name = 2; }
//   TraceSettingResponse { map<string, SettingValue> settings = 1; }   SettingValue { repeated string value = 1; }
import { type Field, LENGTH, WireReader } from '../import/wire-reader.js'

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
  const entries = Object.entries(settings).map(([key, setting]: [string, string | string[]]) => {
    const value = [setting].flat().map(text => lengthField(1, Buffer.from(text)))
    return lengthField(1, Buffer.concat([lengthField(1, Buffer.from(key)), lengthField(2, Buffer.concat(value))]))
  })
  return Buffer.concat(entries)
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

function lengthField(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | LENGTH]), varint(bytes.length), bytes])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (; value >= 0x80; value >>>= 7) bytes.push((value & 0x7f) | 0x80)
  return Buffer.from([...bytes, value])
}
