import { EventEmitter } from 'node:events'
import { createServer } from 'node:http'

import { OpscopeError } from '../errors.js'
import { say } from '../notice.js'
import { traceSettingsHandler } from '../serving/settings-http.js'
import type { TraceSettings } from '../serving/trace-settings.js'

/** @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE for a port that is none */
export function settingsPort({ OPSCOPE_TRACE_SETTINGS_PORT: text }: NodeJS.ProcessEnv): number | undefined {
  if (!text) return undefined
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65535) return port
  const message = `OPSCOPE_TRACE_SETTINGS_PORT: expected a port, got ${JSON.stringify(text)}.`
  throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', message)
}

/** Serves the settings of a program that mounts them nowhere, on this machine alone. The process does not stay for it. */
export function serveSettings(settings: TraceSettings, port: number): void {
  const handler = traceSettingsHandler(settings)
  const server = createServer((request, response) => handler(request, response))
  // Requests about tracing are none of the program's, and not traced.
  server.emit = EventEmitter.prototype.emit
  server.on('connection', socket => socket.unref())
  server.on('error', error => say(`trace settings are not served: ${error.message}`))
  server.listen(port, '127.0.0.1').unref()
}
