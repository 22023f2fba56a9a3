import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads'

import type { Capture } from '../capture.js'
import { notifyClose, notifyStart } from '../hooks.js'
import { type TracerOption, takeWindowVariables } from '../options.js'
import { Session } from '../session.js'
import { installIntegrations } from './integrations.js'
import { say, writeToStderr } from './notice.js'
import { outputPath } from './output-path.js'
import { onProcessEnd } from './process-end.js'
import { type IntegrationName, readSettings, type Settings } from './settings.js'

/** What a worker thread must know; told by Node's environment data, as a worker's `process.env` may be empty. */
interface WorkerSettings {
  tracerOption: TracerOption
  integrations: readonly IntegrationName[]
}
const WORKER_KEY = 'opscope.register'

/**
 * Starts the recording of this process, if the environment asks for one, and sees to its end.
 * @throws OpscopeError for a variable that cannot be understood, a path that cannot be written, a GPU that is required
 */
export function startRecording(): void {
  const settings = readSettings()
  if (settings === undefined) return
  const { options, integrations } = settings
  const template = options.profilePath && resolve(options.profilePath)
  const path = template && outputPath(template, processFacts(), existsSync)
  const session = new Session({ ...options, profilePath: path }, capture => tell(capture, path, settings))
  // Child processes get the same template, whatever their folder, and know that they are not the first.
  process.env.OPSCOPE_ROOT_PID ??= String(process.pid)
  if (template !== undefined) process.env.OPSCOPE_PROFILE_PATH = template
  setEnvironmentData(WORKER_KEY, { tracerOption: options.tracerOption, integrations } satisfies WorkerSettings)
  takeWindowVariables()
  installIntegrations(integrations)
  onProcessEnd(() => finish(session))
}

/**
 * For a worker thread: the recording of the process covers it, and the session belongs to the main thread. Its
 * integrations see a window that lasts as long as the worker, so that what they hold back is recorded before it ends.
 */
export function joinRecording(): void {
  const settings = getEnvironmentData(WORKER_KEY) as WorkerSettings | undefined
  if (settings === undefined) return
  takeWindowVariables()
  installIntegrations(settings.integrations)
  notifyStart(settings.tracerOption)
  process.once('exit', notifyClose)
}

function processFacts() {
  const { pid, env } = process
  const isRoot = (env.OPSCOPE_ROOT_PID || String(pid)) === String(pid)
  return { pid, host: hostname(), startMs: Date.now(), isRoot }
}

function finish(session: Session): void {
  // Its window may have ended before the process.
  if (session.capture !== undefined) return
  try {
    session.stopSync()
  } catch (error) {
    say(`the profile is lost: ${error instanceof Error ? error.message : error}`)
  }
}

function tell(capture: Capture, path: string | undefined, { isSummaryWanted, isQuiet }: Settings): void {
  const failure = capture.warnings.find(({ code }) => code === 'file-not-written')
  if (isSummaryWanted) writeToStderr(`${capture.report()}\n`)
  if (failure !== undefined) say(failure.detail)
  else if (path !== undefined && !isQuiet) say(`profile in ${path}`)
}
