import { isIP, isIPv6 } from 'node:net'

import { OpscopeError } from '../errors.js'

/** Where a gRPC server listens. */
export interface Address {
  /** As people write it, and as a request names its host: `gpu-1:9012`, `[::1]:9012`. */
  readonly text: string
  /** Without brackets. */
  readonly host: string
  readonly port: number
  /** Its part of a file's name: `gpu-1_9012`. */
  readonly fileName: string
}

const PORTS = 'opscope listens on 9012, TensorFlow on 6009, TensorFlow Serving on 8500, JAX on 9999.'
// A label of a name, or more: letters of any script, as resolvers take them.
const HOST = /^[\p{L}\p{N}_](?:[\p{L}\p{N}_.-]*[\p{L}\p{N}_.])?$/u

/**
 * `host:port`, with `grpc://` before it or not; an IPv6 address in brackets.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE saying what is wrong with it
 */
export function parseAddress(given: string): Address {
  const text = given.trim().replace(/^grpc:\/\//i, '')
  const scheme = /^([a-z][\w+.-]*):\/\//i.exec(text)?.[1]
  if (scheme !== undefined) throw unfit(given, `${scheme}:// is not spoken here`, 'Write HOST:PORT; --tls encrypts.')
  if (isIPv6(text)) throw unfit(given, 'it has no port', `Put brackets around the host: [${text}]:9012.`)
  const [, bracketed, name, portText] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(.*))?$/.exec(text) ?? []
  const host = bracketed ?? name
  if (host === undefined) throw unfit(given, 'it is no HOST:PORT')
  if (bracketed !== undefined ? !isIPv6(bracketed) : !HOST.test(host)) {
    throw unfit(given, host === '' ? 'it has no host' : `${JSON.stringify(host)} is no host`)
  }
  if (portText === undefined || portText === '') throw unfit(given, 'it has no port', PORTS)
  const port = Number(portText)
  if (!/^\d+$/.test(portText) || port < 1 || port > 65535) throw unfit(given, `${portText} is no port`)
  const shown = isIP(host) === 6 ? `[${host}]` : host
  return { text: `${shown}:${port}`, host, port, fileName: `${host}_${port}`.replaceAll(/[^\p{L}\p{N}_.-]/gu, '_') }
}

/**
 * Of a list: each once.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE
 */
export function parseAddresses(given: readonly string[]): Address[] {
  const addresses = given.map(parseAddress)
  if (addresses.length === 0) throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', 'Expected an address, HOST:PORT.')
  const twin = addresses.find(({ text }, index) => addresses.findIndex(other => other.text === text) < index)
  if (twin !== undefined) {
    throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', `The address ${twin.text} was given twice.`)
  }
  return addresses
}

function unfit(given: string, reason: string, hint?: string): OpscopeError {
  return new OpscopeError(
    'ERR_OPSCOPE_OPTION_VALUE',
    `Cannot use the address ${JSON.stringify(given)}: ${reason}.`,
    hint,
  )
}
