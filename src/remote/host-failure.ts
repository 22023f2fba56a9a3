import type { Address } from './address.js'
import { whoAnswers } from './who-answers.js'

/** Why a host gave nothing; `reason` is stable. */
export interface HostFailure {
  reason: HostFailureReason
  /** A sentence, with what the host itself said. */
  message: string
  /** What to do about it. */
  hint?: string
}
export type HostFailureReason =
  | 'unreachable'
  | 'not-grpc'
  | 'tls'
  | 'unimplemented'
  | 'denied'
  | 'too-late'
  | 'refused'
  | 'empty'
  | 'kept-by-server'
  | 'damaged'
  | 'unwritable'
  | 'interrupted'

/** What grpc-js tells of a call that failed. */
export interface GrpcStatus {
  code: number
  details: string
}

// https://grpc.io/docs/guides/status-codes
const STATUS_NAMES = [
  ...['OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS'],
  ...['PERMISSION_DENIED', 'RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED'],
  ...['INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED'],
]
const CANCELLED = 1
const DEADLINE_EXCEEDED = 4
const PERMISSION_DENIED = 7
const UNIMPLEMENTED = 12
const UNAVAILABLE = 14
const UNAUTHENTICATED = 16

/** As grpc-js would tell it after some minutes. */
export const noAnswer: GrpcStatus = { code: UNAVAILABLE, details: 'it does not answer' }

/** @param service what the server lacks where it knows no such method, such as "profiler service" */
export async function failureOf(
  status: GrpcStatus,
  address: Address,
  { service, isTls }: { service: string; isTls: boolean },
): Promise<HostFailure> {
  const { code } = status
  const said = sentence(status)
  switch (code) {
    case UNAVAILABLE:
      return noConnection(status, address, isTls)
    case UNIMPLEMENTED:
      return (
        httpFailure(status) ?? { reason: 'unimplemented', message: `This gRPC server has no ${service} (${said}).` }
      )
    case PERMISSION_DENIED:
    case UNAUTHENTICATED:
      return httpFailure(status) ?? { reason: 'denied', message: `The server did not let us in: ${said}.` }
    case DEADLINE_EXCEEDED:
      return { reason: 'too-late', message: `No answer came in time: ${said}.` }
    case CANCELLED:
      return { reason: 'refused', message: `The call was cancelled: ${said}.` }
    default:
      return httpFailure(status) ?? { reason: 'refused', message: `The server refused: ${said}.` }
  }
}

/** A server of HTTP/2 that is none of gRPC: its status of HTTP became one of gRPC on the way. */
function httpFailure({ details }: GrpcStatus): HostFailure | undefined {
  const http = /^Received HTTP status code (\d+)/.exec(details)?.[1]
  return http === undefined
    ? undefined
    : { reason: 'not-grpc', message: `A web server answers there, no gRPC server (HTTP status ${http}).` }
}

async function noConnection(status: GrpcStatus, address: Address, isTls: boolean): Promise<HostFailure> {
  const { details } = status
  const system = /\b(E[A-Z]{4,}|ENOTFOUND|EAI_\w+)\b/.exec(details)?.[1]
  if (system === 'ECONNREFUSED') {
    const message = `Nothing listens at ${address.text}: the connection was refused.`
    return { reason: 'unreachable', message, hint: 'Is the process running, and is its profiler served on this port?' }
  }
  if (system === 'ENOTFOUND' || system?.startsWith('EAI_') || details.startsWith('Name resolution failed')) {
    return { reason: 'unreachable', message: `The name ${address.host} is not known (${system ?? details}).` }
  }
  const http = httpFailure(status)
  if (http !== undefined) return http
  switch (await whoAnswers(address)) {
    case 'http1':
      return {
        reason: 'not-grpc',
        message: `A web server answers at ${address.text}, no gRPC server.`,
        hint: 'The profiler listens on a port of its own, or on that of the gRPC server.',
      }
    case 'tls':
      if (isTls) break
      return {
        reason: 'tls',
        message: `The server at ${address.text} speaks TLS.`,
        hint: 'Capture with --tls, and --ca FILE where its certificate is of no known authority.',
      }
    case 'nothing':
      if (isTls) break
      return {
        reason: 'not-grpc',
        message: `Something takes connections at ${address.text}, but does not answer as a gRPC server.`,
      }
    case 'grpc':
      if (!isTls) break
      return { reason: 'tls', message: `The server at ${address.text} speaks no TLS: ${lastError(details)}.` }
    case 'other':
      return { reason: 'not-grpc', message: `What answers at ${address.text} is no gRPC server.` }
    case 'closed':
    case 'unreachable':
      break
  }
  if (isTls && /certificate|self.signed|altnames|unable to (?:get|verify)/i.test(details)) {
    return {
      reason: 'tls',
      message: `The certificate of ${address.text} was not accepted: ${lastError(details)}.`,
      hint: 'Give the certificate of its authority: --ca FILE.',
    }
  }
  return { reason: 'unreachable', message: `No connection to ${address.text}: ${lastError(details)}.` }
}

/** grpc-js wraps what happened: `No connection established. Last error: … Resolution note: …`. */
function lastError(details: string): string {
  const [, inner = details] = /Last error: (.*?)(?:\.? Resolution note:.*)?$/s.exec(details) ?? []
  return inner.trim().replace(/\.$/, '')
}

/** `UNIMPLEMENTED: unknown service`. */
function sentence({ code, details }: GrpcStatus): string {
  const name = STATUS_NAMES[code] ?? `status ${code}`
  const text = details.replace(new RegExp(`^${code} ${name}:? ?`), '').trim()
  return text === '' ? name : `${name}: ${text.replace(/\.$/, '')}`
}
