// Packages that a user installs for what opscope does with them; imported on first use.
import { createRequire } from 'node:module'
import { resolve } from 'node:path'

import { OpscopeError } from '../errors.js'

export interface OptionalPackage {
  readonly name: string
  /** What cannot be done without it, to be put after "is needed". */
  readonly use: string
  readonly hint: string
}

export const PARQUET_WRITER: OptionalPackage = {
  name: 'hyparquet-writer',
  use: 'to write Parquet files',
  hint: 'Install it: npm install hyparquet-writer. Without it, .arrow and .csv files can be written.',
}
export const POLARS: OptionalPackage = {
  name: 'nodejs-polars',
  use: 'for a data frame',
  // npm skips a platform package that does not fit this Node, and exits with 0.
  hint:
    'Install it: npm install nodejs-polars (0.25.2 and later need Node 22, 0.24 runs on Node 20). If it is installed ' +
    `and does not load, add its binary: npm install nodejs-polars-${polarsPlatform()}.`,
}
export const OPEN_TELEMETRY: OptionalPackage = {
  name: '@opentelemetry/api',
  use: 'to trace requests to OpenTelemetry',
  hint: 'Install it, beside the SDK that sends the spans: npm install @opentelemetry/api @opentelemetry/sdk-trace-node.',
}

export const PROM_CLIENT: OptionalPackage = {
  name: 'prom-client',
  use: 'for metrics in its default registry',
  hint: 'Install it: npm install prom-client. Or pass the "register" of a copy that you have.',
}

export const GRPC: OptionalPackage = {
  name: '@grpc/grpc-js',
  use: 'for a capture server',
  hint: 'Install it: npm install @grpc/grpc-js. Without it, captureHandler() serves captures over HTTP.',
}
export const GRPC_CLIENT: OptionalPackage = {
  name: '@grpc/grpc-js',
  use: 'to talk to a process over the network',
  hint: 'Install it: npm install @grpc/grpc-js.',
}

const requireHere = createRequire(import.meta.url)

/** @throws OpscopeError ERR_OPSCOPE_PACKAGE_MISSING, as both below. */
export function checkInstalled(wanted: OptionalPackage): void {
  try {
    requireHere.resolve(wanted.name)
  } catch (error) {
    throw missing(wanted, error)
  }
}
export async function importPackage<T>(wanted: OptionalPackage): Promise<T> {
  try {
    return (await import(wanted.name)) as T
  } catch (error) {
    throw missing(wanted, error)
  }
}
/** For where nothing can be awaited. Node 22.0 to 22.11 cannot load ES modules so. */
export function requirePackage<T>(wanted: OptionalPackage): T {
  try {
    return requireHere(wanted.name) as T
  } catch (error) {
    throw missing(wanted, error)
  }
}
/** {@link requirePackage}, also where opscope is installed apart from the program: then the program's is taken. */
export function requireOfProgram<T>(wanted: OptionalPackage): T {
  try {
    return requirePackage(wanted)
  } catch (error) {
    try {
      return requireThere()(wanted.name) as T
    } catch {
      throw error
    }
  }
}
/** {@link checkInstalled}, for what {@link requireOfProgram} loads later. */
export function checkInstalledForProgram(wanted: OptionalPackage): void {
  try {
    checkInstalled(wanted)
  } catch (error) {
    try {
      requireThere().resolve(wanted.name)
    } catch {
      throw error
    }
  }
}
function requireThere(): NodeJS.Require {
  return createRequire(resolve(process.argv[1] ?? 'program'))
}

function missing({ name, use, hint }: OptionalPackage, cause: unknown): OpscopeError {
  const [reason] = String((cause as Error).message).split('\n')
  const message = `The package "${name}" is needed ${use}, and cannot be loaded: ${reason}`
  return new OpscopeError('ERR_OPSCOPE_PACKAGE_MISSING', message, hint, { cause })
}

function polarsPlatform(): string {
  const { platform, arch } = process
  if (platform === 'win32') return `win32-${arch}-msvc`
  if (platform !== 'linux') return `${platform}-${arch}`
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined
  return `linux-${arch}-${report?.header?.glibcVersionRuntime === undefined ? 'musl' : 'gnu'}`
}
