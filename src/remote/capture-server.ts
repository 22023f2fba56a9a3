import { type AddressInfo, createServer, type Server as NetServer } from 'node:net'
import { createSecureContext } from 'node:tls'

import { OpscopeError } from '../errors.js'
import { checkInstalledForProgram, GRPC } from '../export/optional-package.js'
import { isLoopback, type Refusals } from '../network-access.js'
import { checkKeys, checkWholeNumber } from '../option-checks.js'
import { GrpcConnections, loadGrpc } from './grpc-connections.js'
import {
  addProfilerService,
  type MountedProfiler,
  PROFILER_SERVICE_KEYS,
  type ProfilerServiceOptions,
} from './grpc-service.js'
import { addLiveService, type MountedLive } from './live-service.js'
import { warnProcess } from './profiler-service.js'

/** Keys and certificates in PEM. */
export interface CaptureTls {
  key: string | Buffer
  cert: string | Buffer
  /** Certificates that clients must have one of. @default clients need none */
  clientCa?: string | Buffer
}
export interface CaptureServerOptions extends ProfilerServiceOptions {
  /** 0: any that is free. @default 9012 */
  port?: number
  /**
   * Addresses to listen at. Who reaches one that is not of this machine alone may capture it, unless `token`,
   * `authorize` or `tls.clientCa` says who.
   * @default 127.0.0.1 and ::1
   */
  host?: string | readonly string[]
  /** TensorBoard and tf.profiler speak without it. @default none */
  tls?: CaptureTls
}

const DEFAULT_PORT = 9012
const DEFAULT_HOSTS = ['127.0.0.1', '::1']
const MAX_CONNECTIONS = 64
// How long close() waits for replies that are under way.
const CLOSE_MS = 5000

/** Serves captures of this process at a port of its own. Made by {@link startCaptureServer}. */
export class CaptureServer {
  readonly #listeners: readonly NetServer[]
  readonly #connections: GrpcConnections
  readonly #service: MountedProfiler
  readonly #live: MountedLive

  /** Use startCaptureServer(). @internal */
  constructor(
    listeners: readonly NetServer[],
    connections: GrpcConnections,
    service: MountedProfiler,
    live: MountedLive,
  ) {
    this.#listeners = listeners
    this.#connections = connections
    this.#service = service
    this.#live = live
  }

  get port(): number {
    return addressOf(this.#listeners[0])?.port ?? 0
  }
  /** Where it listens, as clients take it; nowhere once it is closed. */
  get addresses(): string[] {
    return this.#listeners.flatMap(listener => {
      const at = addressOf(listener)
      if (at === undefined) return []
      return at.family === 'IPv6' ? `[${at.address}]:${at.port}` : `${at.address}:${at.port}`
    })
  }
  /** Calls that were not let in. */
  get refusals(): Refusals {
    const both = [this.#service.refusals, this.#live.refusals]
    return {
      count: both.reduce((sum, { count }) => sum + count, 0),
      failedCount: both.reduce((sum, { failedCount }) => sum + failedCount, 0),
    }
  }
  /** Captures that run now. */
  get running(): number {
    return this.#service.running
  }
  /** Who watches now. */
  get watching(): number {
    return this.#live.watching
  }

  /** Lets the process end while it only waits or is watched; a capture that runs is still answered. */
  unref(): this {
    for (const listener of this.#listeners) listener.unref()
    return this
  }

  /** Frees the port, ends what runs, and resolves when that was answered. */
  async close(): Promise<void> {
    for (const listener of this.#listeners) listener.close()
    this.#live.close()
    await this.#service.close()
    await this.#connections.close(CLOSE_MS)
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/**
 * Lets TensorBoard, xprof and tf.profiler capture this process at a port of its own. Needs the package
 * `@grpc/grpc-js`. Until somebody captures, spans cost what they cost where nothing is recorded.
 * @throws OpscopeError ERR_OPSCOPE_LISTEN for a port or address that cannot be had, ERR_OPSCOPE_PACKAGE_MISSING,
 *   ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE
 * @example
 * const server = await startCaptureServer() // localhost:9012
 * await server.close()
 */
export async function startCaptureServer(options: CaptureServerOptions = {}): Promise<CaptureServer> {
  loadGrpc()
  return listenForCaptures(options)
}

/** {@link startCaptureServer}; the package is loaded when the first client comes, after whatever wants to hook it. */
export async function listenForCaptures(options: CaptureServerOptions): Promise<CaptureServer> {
  checkKeys(options, [...PROFILER_SERVICE_KEYS, 'port', 'host', 'tls'])
  const { port = DEFAULT_PORT, host, tls, ...rest } = options
  checkWholeNumber({ port }, 0, 65_535)
  checkTls(tls)
  checkInstalledForProgram(GRPC)
  const hosts = hostsOf(host)
  const { onWarning = warnProcess } = rest
  const isGuarded = [rest.token, rest.authorize, tls?.clientCa].some(each => each !== undefined)
  const connections = new GrpcConnections(tls, onWarning)
  // Whoever names an address means those who reach it.
  const allowRemote = rest.allowRemote ?? (host !== undefined || isGuarded)
  const service = addProfilerService(connections, { ...rest, allowRemote })
  const live = addLiveService(connections, {
    ...pick(rest, ['token', 'authorize', 'maxConcurrent', 'maxPerMinute']),
    allowRemote,
    // Whoever watches does not keep a program that is done.
    onWatch: (peer, isWatching) => connections.setKeepsProcess(peer, !isWatching),
  })
  const listeners: NetServer[] = []
  try {
    for (const each of hosts) {
      const listener = await listen(connections, each, addressOf(listeners[0])?.port ?? port, host === undefined)
      if (listener !== undefined) listeners.push(listener)
    }
  } catch (error) {
    for (const listener of listeners) listener.close()
    throw error
  }
  const server = new CaptureServer(listeners, connections, service, live)
  const isOpen = listeners.some(listener => !isLoopback(addressOf(listener)?.address))
  if (isOpen && !isGuarded && rest.allowRemote !== false) {
    const where = server.addresses.join(', ')
    onWarning('capture-open', `Everyone who reaches ${where} can capture this process: "token" or "tls" say who may.`)
  }
  return server
}

/** Undefined for an address that this machine does not have and nobody named. @throws OpscopeError ERR_OPSCOPE_LISTEN */
function listen(
  connections: GrpcConnections,
  host: string,
  port: number,
  isOptional: boolean,
): Promise<NetServer | undefined> {
  const server = createServer(socket => connections.take(socket))
  server.maxConnections = MAX_CONNECTIONS
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const { code = '' } = error
      if (isOptional && NO_SUCH_ADDRESS.includes(code) && host !== DEFAULT_HOSTS[0]) resolve(undefined)
      else reject(listenError(host, port, error))
    })
    // Of several processes each has its own port: a worker of node:cluster would share that of the others.
    server.listen({ host, port, exclusive: true, ipv6Only: host !== '::' }, () => resolve(server))
  })
}

function pick<T extends object, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.flatMap(key => (from[key] === undefined ? [] : [[key, from[key]]]))) as Pick<T, K>
}

const NO_SUCH_ADDRESS = ['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL']
const REASONS: Record<string, [reason: string, hint: string]> = {
  EADDRINUSE: ['the port is taken', 'Choose another, or 0 for any that is free.'],
  EACCES: ['this user may not', 'Ports from 1024 on need no rights.'],
  EADDRNOTAVAIL: ['this machine does not have the address', 'Name one that it has.'],
  ENOTFOUND: ['no machine of this name is known', 'Name an address.'],
}
function listenError(host: string, port: number, error: NodeJS.ErrnoException): OpscopeError {
  const [reason, hint] = REASONS[error.code ?? ''] ?? [error.message]
  const message = `Captures cannot be served at ${host}, port ${port}: ${reason}.`
  return new OpscopeError('ERR_OPSCOPE_LISTEN', message, hint, { cause: error })
}

/** @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE, as below */
function hostsOf(host: string | readonly string[] = DEFAULT_HOSTS): readonly string[] {
  const hosts: readonly unknown[] = typeof host === 'string' ? [host] : host
  const isFit = Array.isArray(hosts) && hosts.length > 0 && hosts.every(each => typeof each === 'string' && each !== '')
  if (isFit) return hosts as readonly string[]
  throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', 'Expected the "host" option to be an address, or a list of some.')
}
function checkTls(tls: CaptureTls | undefined): void {
  if (tls === undefined) return
  checkKeys(tls, ['key', 'cert', 'clientCa'])
  try {
    if (!tls.key || !tls.cert) throw new Error('it needs a "key" and a "cert"')
    createSecureContext({ key: tls.key, cert: tls.cert, ca: tls.clientCa })
  } catch (error) {
    const message = `The "tls" option cannot be used: ${(error as Error).message}.`
    throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', message, 'Its values are texts in PEM, not paths.', {
      cause: error,
    })
  }
}
function addressOf(listener: NetServer | undefined): AddressInfo | undefined {
  return (listener?.address() as AddressInfo | null) ?? undefined
}
