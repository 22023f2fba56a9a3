// The options of commands that talk to a process over the network.
import { readFileSync } from 'node:fs'

import type { Command } from 'commander'

import { OpscopeError } from '../errors.js'
import type { ConnectionOptions } from '../remote/grpc-client.js'

export interface ConnectionFlags {
  token?: string
  tls?: boolean
  ca?: string
}

export function addConnectionFlags(command: Command): Command {
  return command
    .option('--token <token>', 'what the server lets us in for; @FILE reads it from a file')
    .option('--tls', 'encrypt')
    .option('--ca <file>', 'encrypt; the certificate of the authority that the server has its own from, PEM')
}

/** @throws OpscopeError ERR_OPSCOPE_FILE_READ */
export function connectionOf({ token, tls, ca }: ConnectionFlags): ConnectionOptions {
  const fileOfToken = token?.startsWith('@') ? token.slice(1) : undefined
  const told = fileOfToken === undefined ? token : read(fileOfToken).toString().trim()
  return {
    ...(told === undefined ? {} : { token: told }),
    ...(ca === undefined ? { tls: tls === true } : { tls: { ca: read(ca) } }),
  }
}

function read(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    const message = `Cannot read ${path}: ${(error as Error).message}`
    throw new OpscopeError('ERR_OPSCOPE_FILE_READ', message, undefined, { cause: error })
  }
}
