import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { getEnvironmentData, setEnvironmentData, threadId } from 'node:worker_threads'

import type { Capture } from '../capture.js'
import { notifyClose, notifyStart } from '../hooks.js'
import { say, writeToStderr } from '../notice.js'
import { type TracerOption, takeWindowVariables } from '../options.js'
import { Session } from '../session.js'
import { addSessionParent } from '../session-parent.js'
import { parseTraceparent } from '../trace-context.js'
import { installIntegrations } from './integrations.js'
import { installOptIns } from './opt-ins.js'
import { outputPath } from './output-path.js'
import { onProcessEnd } from './process-end.js'
import { processFacts } from './process-facts.js'
import { type IntegrationName, readSettings, type Settings } from './settings.js'
import { coverWorkers, newThreadTable, noteCovered, type ThreadTable, warnOfUncovered } from './workers.js'

/** What a worker thread must know; told by Node's environment data, as a worker's `process.env` may be empty. */
interface WorkerSettings {
  tracerOption: TracerOption
  integrations: readonly IntegrationName[]
  traceparent: string | undefined
  threads: ThreadTable
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
  const threads = newThreadTable()
  const { tracerOption, traceparent } = options
  setEnvironmentData(WORKER_KEY, { tracerOption, integrations, traceparent, threads } satisfies WorkerSettings)
  takeWindowVariables()
  installIntegrations(integrations)
  coverWorkers(threads)
  warnOfUncovered(threads)
  installOptIns()
  onProcessEnd(() => finish(session))
}

/**
 * For a worker thread: the recording of the process covers it, and the session belongs to the main thread. Its
 * integrations see a window that lasts as long as the worker, so that what they hold back is recorded before it ends.
 */
export function joinRecording(): void {
  const settings = getEnvironmentData(WORKER_KEY) as WorkerSettings | undefined
  if (settings === undefined) return
  noteCovered(settings.threads, threadId)
  takeWindowVariables()
  installIntegrations(settings.integrations)
  coverWorkers(settings.threads)
  installOptIns()
  const parent = parseTraceparent(settings.traceparent)
  if (parent !== undefined) addSessionParent(parent)
  notifyStart(settings.tracerOption)
  process.once('exit', notifyClose)
}

function finish(session: Session): void {
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
