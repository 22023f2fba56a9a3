import { OpscopeError } from '../errors.js'

/** The variables that tell what a process is; a later one wins. */
export const RESOURCE_VARIABLES = ['OTEL_RESOURCE_ATTRIBUTES', 'OTEL_SERVICE_NAME', 'OPSCOPE_RESOURCE'] as const

/**
 * Facts about the process, as OpenTelemetry's environment has them: `key=value` with commas between, where what is none of
 * the plain characters is percent-encoded.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE naming a variable that cannot be understood
 */
export function resourceAttributes(env: NodeJS.ProcessEnv): Record<string, string> {
  const service = env.OTEL_SERVICE_NAME
  return {
    ...parseList('OTEL_RESOURCE_ATTRIBUTES', env),
    ...(service ? { 'service.name': service } : {}),
    ...parseList('OPSCOPE_RESOURCE', env),
  }
}

function parseList(name: string, env: NodeJS.ProcessEnv): Record<string, string> {
  const pairs = (env[name] ?? '').split(',').flatMap(text => text.trim() || [])
  return Object.fromEntries(
    pairs.map(pair => {
      const equals = pair.indexOf('=')
      try {
        const key = decodeURIComponent(pair.slice(0, equals).trim())
        if (equals > 0 && key !== '') return [key, decodeURIComponent(pair.slice(equals + 1).trim())]
      } catch {
        // A percent sign with no two digits behind it.
      }
      throw new OpscopeError(
        'ERR_OPSCOPE_OPTION_VALUE',
        `${name}: expected "key=value,key=value" with other characters as %XX, got ${JSON.stringify(pair)}.`,
      )
    }),
  )
}
