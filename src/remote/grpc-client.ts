// The few calls of @grpc/grpc-js that a client of ours makes; the package is imported on first use.
import type * as Grpc from '@grpc/grpc-js'

import { OpscopeError } from '../errors.js'
import { GRPC_CLIENT, importPackage } from '../export/optional-package.js'
import { checkKeys } from '../option-checks.js'
import type { Address } from './address.js'

/** With what a client makes itself known, and knows the server. */
export interface ConnectionOptions {
  /** Sent as `authorization: Bearer …`. */
  token?: string
  /** Encrypts; with the certificate of an authority (PEM) where it is none that Node knows. @default false */
  tls?: boolean | { ca?: string | Uint8Array; cert?: string | Uint8Array; key?: string | Uint8Array }
}

// As TensorFlow's client: what a message of protobuf can have.
const LARGEST_REPLY_BYTES = 2 ** 31 - 1
const whole = (bytes: Buffer) => bytes

/** A reply, or that a call failed; a failed call of grpc-js has `code` and `details`. */
export interface Call {
  readonly reply: Promise<Buffer>
  cancel(): void
}

export class GrpcClient {
  readonly #grpc: typeof Grpc
  readonly #client: Grpc.Client
  readonly #metadata: Grpc.Metadata

  private constructor(grpc: typeof Grpc, address: Address, { token, tls }: ConnectionOptions, maxReplyBytes: number) {
    this.#grpc = grpc
    this.#client = new grpc.Client(`dns:${address.text}`, credentialsOf(grpc, tls), {
      'grpc.max_receive_message_length': maxReplyBytes,
      // A capture that failed is told, not begun again.
      'grpc.enable_retries': 0,
      // Else two clients of one address share their connection, and what is wrong with it.
      'grpc.use_local_subchannel_pool': 1,
    })
    this.#metadata = new grpc.Metadata()
    if (token !== undefined) this.#metadata.set('authorization', `Bearer ${token}`)
  }

  /** @throws OpscopeError ERR_OPSCOPE_PACKAGE_MISSING */
  static async open(
    address: Address,
    options: ConnectionOptions,
    maxReplyBytes: number = LARGEST_REPLY_BYTES,
  ): Promise<GrpcClient> {
    return new GrpcClient(await grpcPackage(), address, options, maxReplyBytes)
  }

  /** True once there is a connection or it is known that there is none; false where neither came in time. */
  async settle(limitMs: number): Promise<boolean> {
    const { connectivityState: states } = this.#grpc
    const channel = this.#client.getChannel()
    const deadline = Date.now() + limitMs
    for (;;) {
      const state = channel.getConnectivityState(true)
      if (state !== states.IDLE && state !== states.CONNECTING) return true
      const failure = await new Promise<Error | undefined>(resolve => {
        channel.watchConnectivityState(state, deadline, resolve)
      })
      if (failure !== undefined) return false
    }
  }

  unary(path: string, request: Buffer, deadlineMs: number): Call {
    let call: Grpc.ClientUnaryCall | undefined
    const reply = new Promise<Buffer>((resolve, reject) => {
      call = this.#client.makeUnaryRequest(
        path,
        whole,
        whole,
        request,
        this.#metadata,
        { deadline: deadlineMs },
        (error, value) => (error === null && value !== undefined ? resolve(value) : reject(error)),
      )
    })
    return { reply, cancel: () => call?.cancel() }
  }

  stream(path: string, request: Buffer): Grpc.ClientReadableStream<Buffer> {
    return this.#client.makeServerStreamRequest(path, whole, whole, request, this.#metadata)
  }

  close(): void {
    this.#client.close()
  }
}

/** @throws OpscopeError ERR_OPSCOPE_PACKAGE_MISSING */
export async function grpcPackage(): Promise<typeof Grpc> {
  // CommonJS: what its names are, Node finds out by reading it, or has them in `default` alone.
  const module = await importPackage<typeof Grpc & { default?: typeof Grpc }>(GRPC_CLIENT)
  return module.default ?? module
}

/** @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE */
export function checkConnection({ token, tls }: ConnectionOptions): void {
  if (token !== undefined && (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))) {
    throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', 'Expected the "token" option to be text without spaces.')
  }
  if (tls === undefined || typeof tls === 'boolean') return
  checkKeys(tls, ['ca', 'cert', 'key'])
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', 'A certificate of ours needs both "cert" and "key".')
  }
}

function credentialsOf(grpc: typeof Grpc, tls: ConnectionOptions['tls']): Grpc.ChannelCredentials {
  if (tls === undefined || tls === false) return grpc.credentials.createInsecure()
  const pem = (text: string | Uint8Array | undefined) => (text === undefined ? null : Buffer.from(text as Uint8Array))
  const { ca, cert, key } = tls === true ? {} : tls
  try {
    return grpc.credentials.createSsl(pem(ca), pem(key), pem(cert))
  } catch (error) {
    const message = `The "tls" option cannot be used: ${(error as Error).message}`
    throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', message, undefined, { cause: error })
  }
}
