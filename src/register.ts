// Loaded before a program by --require or --import: profiles it as the environment says, without touching its code.
import { createRequire } from 'node:module'
import { getEnvironmentData, isMainThread } from 'node:worker_threads'

import { say } from './notice.js'
import type * as capturePort from './register/capture-port.js'
import type * as recording from './register/recording.js'
import type * as tracing from './register/tracing.js'

/** Set once register runs in this thread, also for other copies of the package. */
const REGISTERED = Symbol.for('opscope.register')
const realm = globalThis as { [REGISTERED]?: boolean }

if (realm[REGISTERED] !== true) {
  realm[REGISTERED] = true
  try {
    if (isMainThread && isRecordingAsked()) load<typeof recording>('recording').startRecording()
    else if (!isMainThread && getEnvironmentData('opscope.register') !== undefined)
      load<typeof recording>('recording').joinRecording()
  } catch (error) {
    say(`profiling is off: ${error instanceof Error ? error.message : error}`)
  }
  try {
    if (isMainThread && isTracingAsked()) load<typeof tracing>('tracing').startTracing()
  } catch (error) {
    say(`tracing is off: ${error instanceof Error ? error.message : error}`)
  }
  try {
    if (isMainThread && process.env.OPSCOPE_CAPTURE_PORT) load<typeof capturePort>('capture-port').serveCaptures()
  } catch (error) {
    say(`captures are not served: ${error instanceof Error ? error.message : error}`)
  }
}

function isRecordingAsked(): boolean {
  const { env } = process
  const asks = [env.OPSCOPE_PROFILE_PATH, env.FURIOSA_PROFILER_OUTPUT_PATH, env.OPSCOPE_PRINT, env.OPSCOPE_SUMMARY]
  return asks.some(Boolean)
}

function isTracingAsked(): boolean {
  const { env } = process
  return [env.OPSCOPE_TRACE_FILE, env.OPSCOPE_TRACE_LEVEL, env.OPSCOPE_TRACE_CONFIG].some(Boolean)
}

/** Only what is needed: it takes 0.1 s, and NODE_OPTIONS reaches every process. Not by import, which would be late. */
function load<T>(name: 'recording' | 'tracing' | 'capture-port'): T {
  return createRequire(import.meta.url)(`./register/${name}.js`)
}
