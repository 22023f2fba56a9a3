// The body of a request for settings: small, soon there, and JSON without doubt.
import type { IncomingMessage } from 'node:http'

import { TraceSettingError } from './setting-values.js'

// Settings of Triton with all its words are under 300 bytes.
export const MAX_BODY_BYTES: number = 64 * 1024
const BODY_TIMEOUT_MS = 10_000

// curl -d says it sends a form, and does not.
const CONTENT_TYPE = /^application\/(?:(?:[\w.-]+\+)?json|x-www-form-urlencoded)\s*(?:;\s*charset="?utf-?8"?\s*)?$/i

/**
 * What was sent: read and parsed here, or by a body parser that came before.
 * @returns undefined when the client has gone
 * @throws TraceSettingError 400, 408, 413, 415; 500 when the body was read and lost on the way
 */
export async function readSettings(request: IncomingMessage): Promise<unknown> {
  const { 'content-type': type, 'content-encoding': encoding = 'identity' } = request.headers
  if (type !== undefined && !CONTENT_TYPE.test(type)) throw new TraceSettingError(415, 'Send application/json.')
  if (encoding !== 'identity') throw new TraceSettingError(415, 'Send the body without a content encoding.')
  const { body } = request as { body?: unknown }
  if (typeof body === 'string') return parseSettings(Buffer.from(body))
  if (Buffer.isBuffer(body)) return parseSettings(body)
  if (body !== undefined) return body
  if (request.readableEnded) throw new TraceSettingError(500, 'The body was read before it came here.')
  const bytes = await readBytes(request)
  return bytes && parseSettings(bytes)
}

function readBytes(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= MAX_BODY_BYTES) chunks.push(chunk)
      else reject(tooLarge())
    })
    // What is beyond the limit is read and thrown away, so that the client comes to read the reply; but not for ever.
    const timer = setTimeout(() => {
      reject(new TraceSettingError(408, `The body was not there within ${BODY_TIMEOUT_MS / 1000} seconds.`))
      setImmediate(() => request.destroy()) // when the reply is written
    }, BODY_TIMEOUT_MS)
    request.on('end', () => resolve(Buffer.concat(chunks)))
    request.on('close', () => {
      clearTimeout(timer)
      resolve(undefined)
    })
  })
}

function tooLarge(): TraceSettingError {
  return new TraceSettingError(413, `Settings have at most ${MAX_BODY_BYTES} bytes.`)
}

function parseSettings(bytes: Buffer): unknown {
  if (bytes.length > MAX_BODY_BYTES) throw tooLarge()
  let text: string
  let value: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    if (text.trim() === '') return {}
    value = JSON.parse(text)
  } catch (error) {
    throw new TraceSettingError(400, `The body is not JSON: ${(error as Error).message}`, { cause: error })
  }
  const twice = repeatedKey(text)
  if (twice !== undefined) throw new TraceSettingError(400, `${JSON.stringify(twice.slice(0, 40))} is there twice.`)
  return value
}

/**
 * JSON.parse lets the last of two win; a reader that let the first win would see other settings. No setting is an
 * object, so names at any depth may be taken together.
 */
function repeatedKey(json: string): string | undefined {
  const seen = new Set<string>()
  for (const [, name = '', colon] of json.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?/g)) {
    if (colon === undefined) continue
    const key: string = JSON.parse(name)
    if (seen.has(key)) return key
    seen.add(key)
  }
  return undefined
}
