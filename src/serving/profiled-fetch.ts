import { OpscopeError } from '../errors.js'
import { checkKeys } from '../option-checks.js'
import { ClientStages } from './client-stages.js'
import { PROFILE_HEADER, PROFILE_TIMES_HEADER } from './profile-header.js'
import { isSwitchedOn } from './profile-switch.js'
import { processTimer, type StageTimer } from './stage-timer.js'

/** Of `profiledFetch` and `grpcClientProfiler`. */
export interface ClientProfilerOptions {
  /** @default that of stage() */
  timer?: StageTimer
  /** Whether servers are asked for the times of their stages. @default FLAGS_profile_server */
  askServer?: boolean
}

type Fetch = typeof globalThis.fetch
type Input = Parameters<Fetch>[0]
type Init = Parameters<Fetch>[1]

/** What reads a body to its end. */
const READERS = ['json', 'text', 'arrayBuffer', 'blob', 'bytes', 'formData'] as const

/** Responses that nobody read, and nobody can any more. */
const unread = new FinalizationRegistry<ClientStages>(stages => stages.finish())

/**
 * A fetch that writes a line with the stages of each request: `prepro` until the request is handed over, `client_infer`
 * until the response has begun, `postpro` while its body is read and decoded. The line comes when the body was read by
 * `json()`, `text()` and the like; at once when there is none or `body` is taken; else when the response is forgotten.
 * The request carries the `traceparent` of the span around, unless it has one. Nothing else of it is changed.
 * @param fetchFunction @default the fetch of Node.js
 * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE
 * @example
 * const fetch = profiledFetch()
 * const answer = await (await fetch(url, { method: 'POST', body })).json()
 */
export function profiledFetch(fetchFunction: Fetch = globalThis.fetch, options: ClientProfilerOptions = {}): Fetch {
  const { timer, askServer } = resolveClientOptions(options)
  if (typeof fetchFunction !== 'function') {
    throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', 'Expected a fetch function.')
  }
  return (input, init) => {
    const stages = new ClientStages(timer)
    const added = new Map(Object.entries(stages.beginInfer() ?? {}))
    if (askServer && timer.isOn) added.set(PROFILE_HEADER, '1')
    let answer: Promise<Response>
    try {
      answer = fetchFunction(input, withHeaders(input, init, added))
    } catch (error) {
      stages.received(error)
      stages.finish()
      throw error
    }
    stages.sent()
    return Promise.resolve(answer).then(
      response => watched(response, stages),
      error => {
        stages.received(error)
        stages.finish()
        throw error
      },
    )
  }
}

/** @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN */
export function resolveClientOptions(options: ClientProfilerOptions): Required<ClientProfilerOptions> {
  checkKeys(options, ['timer', 'askServer'])
  const { timer = processTimer(), askServer = isSwitchedOn('FLAGS_profile_server') } = options
  return { timer, askServer }
}

/** The caller's headers win: a traceparent of theirs goes with their tracestate, or none. */
function withHeaders(input: Input, init: Init, added: ReadonlyMap<string, string>): Init {
  if (added.size === 0) return init
  const own = init?.headers ?? (typeof input === 'object' && 'headers' in input ? input.headers : undefined)
  let headers: Headers
  try {
    headers = new Headers(own)
  } catch {
    return init // fetch says what is wrong with them
  }
  const hasTrace = headers.has('traceparent')
  for (const [name, value] of added) {
    const isTheirs = headers.has(name) || (hasTrace && name === 'tracestate')
    if (!isTheirs) headers.set(name, value)
  }
  return { ...init, headers }
}

function watched(response: Response, stages: ClientStages): Response {
  const { isWanted } = stages
  stages.received()
  if (!isWanted) return response
  // Fetch functions of others may give what is no Response.
  const { headers, body } = response ?? {}
  stages.answered(headers?.get?.(PROFILE_TIMES_HEADER))
  if (body === null || !Object.isExtensible(response)) {
    stages.finish()
    return response
  }
  for (const name of READERS) watchReader(response, name, stages)
  Object.defineProperty(response, 'body', {
    configurable: true,
    get: () => {
      stages.finish()
      return body
    },
  })
  stages.wait()
  unread.register(response, stages)
  return response
}

function watchReader(response: Response, name: (typeof READERS)[number], stages: ClientStages): void {
  const read = (response as unknown as Record<string, unknown>)[name]
  if (typeof read !== 'function') return
  Object.defineProperty(response, name, {
    configurable: true,
    writable: true,
    value: () => {
      stages.beginDecode()
      return Promise.resolve(read.call(response)).then(
        value => {
          stages.endDecode()
          stages.finish()
          return value
        },
        error => {
          stages.endDecode(error)
          stages.finish()
          throw error
        },
      )
    },
  })
}
