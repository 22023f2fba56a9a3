import { say } from '../notice.js'
import { readSwitch } from '../options.js'
import { listenForCaptures } from '../remote/capture-server.js'
import { captureOptionsOf } from './capture-options.js'
import { installIntegrations } from './integrations.js'
import { chooseIntegrations } from './settings.js'

/**
 * Lets the process be captured at the port that the environment names. The process does not stay for it, and
 * `@grpc/grpc-js` is loaded when the first client comes.
 * @throws OpscopeError for a variable that cannot be understood, or when the package is missing
 */
export function serveCaptures(): void {
  if (readSwitch('OPSCOPE_DISABLE')) return
  const options = captureOptionsOf(process.env)
  if (options === undefined) return
  installIntegrations(chooseIntegrations(process.env.OPSCOPE_INTEGRATIONS ?? ''))
  listenForCaptures({ ...options, onWarning: (_, text) => say(text) }).then(
    server => {
      server.unref()
      if (options.port === 0) say(`captures are served at ${server.addresses.join(' and ')}`)
    },
    (error: Error) => say(error.message),
  )
}
