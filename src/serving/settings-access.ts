// Who may see and change the settings of a running process.
import { checkKeys } from '../option-checks.js'
import { unfit } from './setting-values.js'

/** Who may see and change trace settings over the network. */
export interface SettingsAccess<Request> {
  /** Asked about each request, and only `true` lets it through: other machines' too, unless `allowRemote` is false. */
  authorize?: (request: Request) => boolean | Promise<boolean>
  /** Whether requests of other machines are heard. @default false without `authorize`, true with it */
  allowRemote?: boolean
}

/** Requests that were not let in. */
export interface SettingsRefusals {
  readonly count: number
  /** Of these, because `authorize` threw. */
  readonly failedCount: number
}

/** What is known of a request before anyone is asked about it. */
export interface Origin {
  /** Of this machine, and not handed on by a proxy. */
  isLocal: boolean
  /** Sent by a page in a browser, which may be of anywhere. */
  isFromPage: boolean
}

/** A proxy on this machine makes its clients look local. These headers are believed where they tell on it, never else. */
export const PROXY_HEADERS = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'] as const

const LOOPBACK = /^(?:::1|(?:::ffff:)?127\.\d+\.\d+\.\d+)$/i

/** A socket without an address, of a file say, is none: what listens there may be a proxy. */
export function isLoopback(address: string | undefined): boolean {
  return address !== undefined && LOOPBACK.test(address)
}

export interface SettingsGate<Request> {
  /** Why the request is refused; undefined: it is let in. */
  refusalOf(request: Request, origin: Origin): Promise<string | undefined>
  readonly refusals: SettingsRefusals
}

/**
 * An `authorize` that throws has refused, and what it threw is a process warning the first time.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE
 */
export function gateOf<Request>(access: SettingsAccess<Request>): SettingsGate<Request> {
  checkKeys(access, ['authorize', 'allowRemote'])
  const { authorize, allowRemote = authorize !== undefined } = access
  if (authorize !== undefined && typeof authorize !== 'function') throw unfit('authorize', 'a function', authorize)
  if (typeof allowRemote !== 'boolean') throw unfit('allowRemote', 'a boolean', allowRemote)
  const refusals = { count: 0, failedCount: 0 }

  const reasonFor = async (request: Request, { isLocal, isFromPage }: Origin): Promise<string | undefined> => {
    if (!isLocal && !allowRemote) return 'Trace settings are for requests of this machine.'
    if (authorize === undefined) return isFromPage ? 'Trace settings are not for pages in a browser.' : undefined
    try {
      return (await authorize(request)) === true ? undefined : 'Not allowed.'
    } catch (error) {
      if (refusals.failedCount++ === 0) process.emitWarning(error as Error)
      return 'Not allowed.'
    }
  }
  return {
    refusals,
    async refusalOf(request, origin) {
      const reason = await reasonFor(request, origin)
      if (reason !== undefined) refusals.count++
      return reason
    },
  }
}
