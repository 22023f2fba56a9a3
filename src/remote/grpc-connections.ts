import type { Socket } from 'node:net'

import { OpscopeError } from '../errors.js'
import { GRPC, requireOfProgram } from '../export/optional-package.js'
import type { CaptureTls } from './capture-server.js'
import { type CaptureGrpcServer, MAX_REQUEST_BYTES } from './grpc-service.js'

/** What is used of `@grpc/grpc-js`. */
interface Grpc {
  Server: new (options: object) => GrpcServer
  ServerCredentials: {
    createInsecure(): object
    createSsl(ca: Buffer | null, pairs: { private_key: Buffer; cert_chain: Buffer }[], checkClient: boolean): object
  }
}
interface GrpcServer extends CaptureGrpcServer {
  createConnectionInjector(credentials: object): { injectConnection(socket: Socket): void }
  tryShutdown(done: () => void): void
  forceShutdown(): void
}

// A client that keeps its connection must not keep the process.
const IDLE_MS = 5000

/** @throws OpscopeError ERR_OPSCOPE_PACKAGE_MISSING, also for a version that is too old */
export function loadGrpc(): Grpc {
  const grpc = requireOfProgram<Grpc>(GRPC)
  if (typeof grpc.Server.prototype.createConnectionInjector === 'function') return grpc
  const message = 'A capture server needs @grpc/grpc-js 1.12 or later.'
  throw new OpscopeError('ERR_OPSCOPE_PACKAGE_MISSING', message, 'Update it: npm install @grpc/grpc-js@latest.')
}

/**
 * A gRPC server for connections that others accept: those know how to leave a process free to end, and what is wrong
 * with a port. grpc-js is loaded for the first of them.
 */
export class GrpcConnections implements CaptureGrpcServer {
  readonly #tls: CaptureTls | undefined
  readonly #warn: (code: string, text: string) => void
  readonly #services: [service: object, implementation: object][] = []
  readonly #sockets = new Map<string, Socket>()
  #server: GrpcServer | undefined
  #inject: ((socket: Socket) => void) | undefined

  constructor(tls: CaptureTls | undefined, warn: (code: string, text: string) => void) {
    this.#tls = tls
    this.#warn = warn
  }

  addService(service: object, implementation: object): void {
    this.#services.push([service, implementation])
  }

  take(socket: Socket): void {
    // Whatever a peer does to its connection is told by its calls.
    socket.on('error', () => {})
    const peer = peerOf(socket)
    this.#sockets.set(peer, socket)
    socket.on('close', () => this.#sockets.delete(peer))
    try {
      this.#inject ??= this.#start()
      this.#inject(socket)
    } catch (error) {
      this.#warn('capture-failed', `Captures are not served: ${(error as Error).message}`)
      socket.destroy()
    }
  }

  /** Whether this connection keeps the process; the address is as grpc-js tells it. */
  setKeepsProcess(peer: string, keepsProcess: boolean): void {
    const socket = this.#sockets.get(peer)
    if (keepsProcess) socket?.ref()
    else socket?.unref()
  }

  /** Waits so long for replies that are under way. */
  async close(patienceMs: number): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, patienceMs)
      server.tryShutdown(() => {
        clearTimeout(timer)
        resolve()
      })
    })
    server.forceShutdown()
  }

  #start(): (socket: Socket) => void {
    const { Server, ServerCredentials } = loadGrpc()
    // Not the subclass that opscope/register makes of it, which traces requests: these are none of the program's.
    const Plain = Server.prototype.constructor as typeof Server
    const server = new Plain({
      'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
      'grpc.max_connection_idle_ms': IDLE_MS,
    })
    for (const [service, implementation] of this.#services) server.addService(service, implementation)
    const tls = this.#tls
    const ca = tls?.clientCa
    const credentials =
      tls === undefined
        ? ServerCredentials.createInsecure()
        : ServerCredentials.createSsl(
            ca === undefined ? null : Buffer.from(ca),
            [{ private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.cert) }],
            ca !== undefined,
          )
    const injector = server.createConnectionInjector(credentials)
    this.#server = server
    return socket => injector.injectConnection(socket)
  }
}

function peerOf({ remoteAddress = '', remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`
}
