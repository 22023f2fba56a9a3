import { OpscopeError } from '../errors.js'
import type { CaptureServerOptions } from '../remote/capture-server.js'

/** @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE for a port that is none */
export function captureOptionsOf(env: NodeJS.ProcessEnv): CaptureServerOptions | undefined {
  const { OPSCOPE_CAPTURE_PORT: text, OPSCOPE_CAPTURE_HOST: host, OPSCOPE_CAPTURE_TOKEN: token } = env
  if (!text) return undefined
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65535) {
    const message = `OPSCOPE_CAPTURE_PORT: expected a port, got ${JSON.stringify(text)}.`
    throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', message)
  }
  const hosts = host ? { host: host.split(',').map(each => each.trim()) } : {}
  return { port, ...hosts, ...(token ? { token } : {}) }
}
