import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  gateOf,
  isLoopback,
  type NetworkAccess,
  type Origin,
  PROXY_HEADERS,
  type Refusals,
  warningOf,
} from '../network-access.js'
import { TraceSettingError } from './setting-values.js'
import { readSettings } from './settings-body.js'
import type { TraceSettings } from './trace-settings.js'

/** Serves a request; what is not for it goes to `next`, or gets 404 where there is none. */
export interface TraceSettingsHandler {
  (request: IncomingMessage, response: ServerResponse, next?: () => void): void
  readonly refusals: Refusals
}

interface Reply {
  status: number
  content: object
  headers?: Record<string, string>
}

const PATH = /^\/v2(?:\/models\/([^/]+))?\/trace\/setting$/

/**
 * Shows and changes trace settings: `GET` and `POST` of `/v2/trace/setting` and `/v2/models/NAME/trace/setting`, with
 * the bodies and replies of Triton. Requests of this machine alone are served, unless `access` says otherwise.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE
 * @example
 * app.use(traceSettingsHandler(settings)) // express
 * fastify.addHook('onRequest', (request, reply, done) => handler(request.raw, reply.raw, done))
 */
export function traceSettingsHandler(
  settings: TraceSettings,
  access: NetworkAccess<IncomingMessage> = {},
): TraceSettingsHandler {
  const { refusalOf, refusals } = gateOf(access, 'Trace settings')

  async function answer(request: IncomingMessage, encodedModel: string | undefined): Promise<Reply | undefined> {
    const refusal = await refusalOf(request, originOf(request))
    if (refusal !== undefined) return errorReply(403, refusal)
    if (request.method !== 'GET' && request.method !== 'POST') {
      return { ...errorReply(405, 'GET shows the settings, POST changes them.'), headers: { allow: 'GET, POST' } }
    }
    const model = encodedModel && decodeModel(encodedModel)
    if (request.method === 'GET') return { status: 200, content: settings.describe(model) }
    const body = await readSettings(request)
    return body === undefined ? undefined : { status: 200, content: settings.update(body, model) }
  }

  function handle(request: IncomingMessage, response: ServerResponse, next?: () => void): void {
    const match = PATH.exec(request.url?.split('?', 1)[0] ?? '')
    if (match === null) {
      if (next === undefined) send(response, errorReply(404, 'Not found.'))
      else next()
      return
    }
    answer(request, match[1])
      .catch((error: unknown) => {
        if (error instanceof TraceSettingError) return errorReply(error.status, error.message)
        process.emitWarning(warningOf(error))
        return errorReply(500, 'The settings could not be read.')
      })
      .then(reply => reply && send(response, reply))
  }
  return Object.assign(handle, { refusals })
}

function originOf({ socket, headers }: IncomingMessage): Origin {
  return {
    isLocal: isLoopback(socket.remoteAddress) && PROXY_HEADERS.every(name => headers[name] === undefined),
    // Browsers put it on every POST of a page; other clients never do.
    isFromPage: headers.origin !== undefined,
  }
}

/** @throws TraceSettingError 400 */
function decodeModel(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch (error) {
    throw new TraceSettingError(400, 'The name of the model is badly encoded.', { cause: error })
  }
}

function errorReply(status: number, error: string): Reply {
  return { status, content: { error } }
}

function send(response: ServerResponse, { status, content, headers }: Reply): void {
  // Whoever limits the time of requests may have answered meanwhile.
  if (response.headersSent) return
  const body = JSON.stringify(content)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...headers,
  })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}
