// Who may ask something of a running process over the network.
import { OpscopeError, reasonOf } from './errors.js'
import { checkKeys } from './option-checks.js'

/** Who is let in over the network. */
export interface NetworkAccess<Request> {
  /** Asked about each request, and only `true` lets it through: other machines' too, unless `allowRemote` is false. */
  authorize?: (request: Request) => boolean | Promise<boolean>
  /** Whether requests of other machines are heard. @default false without `authorize`, true with it */
  allowRemote?: boolean
}
export const ACCESS_KEYS: readonly (keyof NetworkAccess<unknown>)[] = ['authorize', 'allowRemote']

/** Requests that were not let in. */
export interface Refusals {
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

/** What a program threw, as a process warning takes it. */
export function warningOf(error: unknown): Error | string {
  return error instanceof Error ? error : reasonOf(error)
}

/** A socket without an address, of a file say, is none: what listens there may be a proxy. */
export function isLoopback(address: string | undefined): boolean {
  return address !== undefined && LOOPBACK.test(address)
}

/** A call of `@grpc/grpc-js`: who calls, and what they say of themselves. */
export interface GrpcCaller {
  getPeer(): string
  readonly metadata: { get(name: string): (string | Buffer)[] }
}

export function isLocalGrpc(call: GrpcCaller): boolean {
  const address = call.getPeer().replace(/:\d+$/, '')
  return isLoopback(address) && PROXY_HEADERS.every(name => call.metadata.get(name).length === 0)
}

export interface AccessGate<Request> {
  /** Why the request is refused; undefined: it is let in. */
  refusalOf(request: Request, origin: Origin): Promise<string | undefined>
  readonly refusals: Refusals
}

/**
 * An `authorize` that throws has refused, and what it threw is a process warning the first time.
 * @param subject what is asked for, as a sentence begins with it: `Trace settings`
 * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE
 */
export function gateOf<Request>(access: NetworkAccess<Request>, subject: string): AccessGate<Request> {
  checkKeys(access, ACCESS_KEYS)
  const { authorize, allowRemote = authorize !== undefined } = access
  if (authorize !== undefined && typeof authorize !== 'function') throw unfit('authorize', 'a function', authorize)
  if (typeof allowRemote !== 'boolean') throw unfit('allowRemote', 'a boolean', allowRemote)
  const refusals = { count: 0, failedCount: 0 }

  const reasonFor = async (request: Request, { isLocal, isFromPage }: Origin): Promise<string | undefined> => {
    if (!isLocal && !allowRemote) return `${subject} are for requests of this machine.`
    if (authorize === undefined) return isFromPage ? `${subject} are not for pages in a browser.` : undefined
    try {
      return (await authorize(request)) === true ? undefined : 'Not allowed.'
    } catch (error) {
      if (refusals.failedCount++ === 0) process.emitWarning(warningOf(error))
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

function unfit(key: string, expected: string, value: unknown): OpscopeError {
  const got = typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : typeof value
  return new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', `Expected "${key}" to be ${expected}, got ${got}.`)
}
