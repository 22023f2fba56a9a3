import { OpscopeError } from '../errors.js'
import {
  type GrpcCaller,
  gateOf,
  isLocalGrpc,
  type NetworkAccess,
  type Refusals,
  warningOf,
} from '../network-access.js'
import { TraceSettingError } from './setting-values.js'
import { MAX_BODY_BYTES } from './settings-body.js'
import { decodeSettingRequest, encodeSettingResponse, type SettingRequest } from './settings-codec.js'
import type { TraceSettingState, TraceSettings } from './trace-settings.js'

/** A server of `@grpc/grpc-js`. */
export interface SettingsGrpcServer {
  addService(service: object, implementation: object): void
}

interface Call extends GrpcCaller {
  readonly request: Buffer
}
type Callback = (failure: { code: number; details: string } | null, response?: TraceSettingState) => void

const METHOD = '/inference.GRPCInferenceService/TraceSetting'
// Status codes of gRPC.
const INVALID_ARGUMENT = 3
const PERMISSION_DENIED = 7
const UNIMPLEMENTED = 12
const INTERNAL = 13
const CODE_OF_STATUS = new Map([
  [400, INVALID_ARGUMENT],
  [403, PERMISSION_DENIED],
  [501, UNIMPLEMENTED],
])

/**
 * Adds Triton's `TraceSetting` to a gRPC server, beside whatever else of `inference.GRPCInferenceService` it serves.
 * Requests of this machine alone are served, unless `access` says otherwise.
 * @returns the count of what was not let in
 * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE, also when the server has this method.
 */
export function addTraceSettingService(
  server: SettingsGrpcServer,
  settings: TraceSettings,
  access: NetworkAccess<GrpcCaller> = {},
): Refusals {
  const { refusalOf, refusals } = gateOf(access, 'Trace settings')

  async function answer(call: Call): Promise<TraceSettingState> {
    const refusal = await refusalOf(call, { isLocal: isLocalGrpc(call), isFromPage: false })
    if (refusal !== undefined) throw new TraceSettingError(403, refusal)
    const { settings: sent, model } = decode(call.request)
    const name = model === '' ? undefined : model
    // Clients read the settings by sending none: that restarts no counter.
    return sent.size === 0 ? settings.describe(name) : settings.update(bodyOf(sent), name)
  }

  const handle = (call: Call, callback: Callback) => {
    answer(call).then(
      state => callback(null, state),
      (error: unknown) => callback(failureOf(error)),
    )
  }
  const whole = (bytes: Buffer) => bytes
  const service = {
    TraceSetting: {
      path: METHOD,
      requestStream: false,
      responseStream: false,
      requestSerialize: whole,
      // Decoded by the handler: what fails here, grpc-js tells as INTERNAL.
      requestDeserialize: whole,
      responseSerialize: encodeSettingResponse,
      responseDeserialize: whole,
    },
  }
  try {
    server.addService(service, { TraceSetting: handle })
  } catch (error) {
    throw new OpscopeError(
      'ERR_OPSCOPE_OPTION_VALUE',
      `TraceSetting cannot be added to the server: ${(error as Error).message}`,
      'Leave it out of a service that has it: const { TraceSetting, ...rest } = service; server.addService(rest, …).',
      { cause: error },
    )
  }
  return refusals
}

/** @throws TraceSettingError 400 */
function decode(bytes: Buffer): SettingRequest {
  if (bytes.length > MAX_BODY_BYTES) {
    throw new TraceSettingError(400, `Settings have at most ${MAX_BODY_BYTES} bytes.`)
  }
  try {
    return decodeSettingRequest(bytes)
  } catch (error) {
    throw new TraceSettingError(400, `The message is no TraceSettingRequest: ${(error as Error).message}.`)
  }
}

/** As JSON has it: no value clears, one is a value, and a list stays one for whoever takes none to refuse. */
function bodyOf(settings: Map<string, string[]>): object {
  const values = [...settings].map(([name, sent]) => [name, sent.length > 1 ? sent : (sent[0] ?? null)])
  return Object.fromEntries(values)
}

function failureOf(error: unknown): { code: number; details: string } {
  if (error instanceof TraceSettingError) {
    return { code: CODE_OF_STATUS.get(error.status) ?? INTERNAL, details: error.message }
  }
  process.emitWarning(warningOf(error))
  return { code: INTERNAL, details: 'The settings could not be read.' }
}
