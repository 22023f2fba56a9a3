import { existsSync } from 'node:fs'
import { Server as HttpServer } from 'node:http'
import { Server as HttpsServer } from 'node:https'
import { resolve } from 'node:path'
import { say } from '../notice.js'
import { readSwitch } from '../options.js'
import { parseTraceFlags, traceFlagsOf } from '../serving/trace-flags.js'
import { ServingTracer } from '../serving/tracer.js'
import { interceptGrpcServers } from './grpc-js.js'
import { installIntegrations } from './integrations.js'
import { outputPath } from './output-path.js'
import { onProcessEnd } from './process-end.js'
import { processFacts } from './process-facts.js'
import { chooseIntegrations } from './settings.js'
import { serveSettings, settingsPort } from './settings-server.js'

/**
 * Traces the requests of every server of node:http, node:https and @grpc/grpc-js that this process makes, as the
 * environment says; what runs on top of them, express and fastify, with them.
 * @throws OpscopeError for a variable that cannot be understood, or a path that cannot be written
 */
export function startTracing(): void {
  if (readSwitch('OPSCOPE_DISABLE')) return
  const flags = traceFlagsOf(process.env)
  const parsed = parseTraceFlags(flags)
  if (parsed === undefined) return
  const { options, otel } = parsed
  const port = settingsPort(process.env)
  // Those that the program set itself hold.
  for (const [name, value] of Object.entries(otel)) process.env[name] ??= value
  const template = options.file && resolve(options.file)
  const file = template && outputPath(template, processFacts(), existsSync)
  process.env.OPSCOPE_ROOT_PID ??= String(process.pid)
  if (template !== undefined && flags.file !== undefined) process.env.OPSCOPE_TRACE_FILE = template
  const told = new Set<string>()
  const onWarning = (code: string, text: string) => {
    if (!told.has(code)) say(text)
    told.add(code)
  }
  const tracer = new ServingTracer({ ...options, ...(file === undefined ? {} : { file }), onWarning })
  for (const { prototype } of [HttpServer, HttpsServer]) tracer.http(prototype)
  interceptGrpcServers(tracer.grpc())
  if (port !== undefined) serveSettings(tracer.settings, port)
  installIntegrations(chooseIntegrations(process.env.OPSCOPE_INTEGRATIONS ?? ''))
  onProcessEnd(() => {
    try {
      tracer.closeSync()
    } catch (error) {
      say(`the trace is lost: ${error instanceof Error ? error.message : error}`)
    }
  })
}
