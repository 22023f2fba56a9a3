import { OpscopeError } from '../errors.js'
import { nameHint } from '../nearest-name.js'
import { type ResolvedOptions, readSwitch, resolveOptions } from '../options.js'
import { TRACE_VARIABLES } from '../serving/trace-flags.js'
import { parseTraceparent } from '../trace-context.js'
import { RESOURCE_VARIABLES, resourceAttributes } from './resource.js'

/** What the environment asks of a process. */
export interface Settings {
  options: ResolvedOptions
  /** The report goes to standard error at the end. */
  isSummaryWanted: boolean
  isQuiet: boolean
  /** Names of {@link INTEGRATIONS}. */
  integrations: readonly IntegrationName[]
}

/** The variables that register reads and that are no option of a recording. */
export const REGISTER_VARIABLES: readonly string[] = [
  'FURIOSA_PROFILER_OUTPUT_PATH',
  'OPSCOPE_CAPTURE_HOST',
  'OPSCOPE_CAPTURE_PORT',
  'OPSCOPE_CAPTURE_TOKEN',
  'OPSCOPE_DISABLE',
  'OPSCOPE_INTEGRATIONS',
  'OPSCOPE_QUIET',
  'OPSCOPE_ROOT_PID',
  'OPSCOPE_SUMMARY',
  'OPSCOPE_TRACE_SETTINGS_PORT',
  'TRACEPARENT',
  ...RESOURCE_VARIABLES,
  ...TRACE_VARIABLES,
]

/** What `OPSCOPE_INTEGRATIONS` may name. */
export const INTEGRATIONS = ['onnxruntime', 'tfjs'] as const
export type IntegrationName = (typeof INTEGRATIONS)[number]

/**
 * Undefined when the environment asks for nothing.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE naming a variable that cannot be understood.
 */
export function readSettings(): Settings | undefined {
  const path = process.env.OPSCOPE_PROFILE_PATH || process.env.FURIOSA_PROFILER_OUTPUT_PATH
  if (readSwitch('OPSCOPE_DISABLE')) return undefined
  const { env } = process
  // TRACEPARENT is set by others, for others: what is none is ignored.
  const traceparent = parseTraceparent(env.TRACEPARENT) && env.TRACEPARENT
  const own = resolveOptions(path ? { profilePath: path } : {}, { traceparent }, failAboutVariable)
  const options = { ...own, attributes: { ...resourceAttributes(env), ...own.attributes } }
  const isSummaryWanted = readSwitch('OPSCOPE_SUMMARY') || options.print
  if (options.profilePath === undefined && !isSummaryWanted) return undefined
  return {
    options,
    isSummaryWanted,
    isQuiet: readSwitch('OPSCOPE_QUIET'),
    integrations: chooseIntegrations(process.env.OPSCOPE_INTEGRATIONS ?? ''),
  }
}

/**
 * All without a list; `-name` takes one away, a plain name asks for nothing but what is named.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE
 */
export function chooseIntegrations(list: string): readonly IntegrationName[] {
  const words = list.split(',').flatMap(word => word.trim() || [])
  for (const word of words) {
    const name = word.replace(/^-/, '')
    if (word !== 'all' && !INTEGRATIONS.includes(name as IntegrationName)) {
      throw new OpscopeError(
        'ERR_OPSCOPE_OPTION_VALUE',
        `OPSCOPE_INTEGRATIONS: there is no integration ${JSON.stringify(name)}.`,
        nameHint(name, INTEGRATIONS),
      )
    }
  }
  const isAll = words.includes('all') || words.every(word => word.startsWith('-'))
  return INTEGRATIONS.filter(name => (isAll || words.includes(name)) && !words.includes(`-${name}`))
}

/** A program that was not written for opscope gets no recording that its user did not mean. */
function failAboutVariable(name: string, error: Error): never {
  throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', `${name}: ${error.message}`)
}
