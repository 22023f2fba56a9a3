// The messages of tensorflow.ProfilerService and tensorflow.ProfileAnalysis, as far as a server and a client need them.
// Field numbers are those of the descriptors in TensorFlow 2.21 and jaxlib 0.10.2. Fields that are not named here are
// skipped, so requests of later versions are read too.
import { bigintOfVarint, type Field, LENGTH, numberOfVarint, VARINT, WireReader } from '../import/wire-reader.js'
import { WireWriter } from './wire-writer.js'

export interface ProfileOptions {
  hostTracerLevel: number
  deviceTracerLevel: number
  /** 0: the levels are not meant, and the server's defaults hold. */
  version: number
  includeDatasetOps: boolean
  enableHloProto: boolean
  pythonTracerLevel: number
  /** When the capture is to begin, ns since 1970; 0: now. So hosts begin at the same time. */
  startTimestampNs: bigint
  durationMs: number
  repositoryPath: string
  sessionId: string
  overrideHostname: string
}
export interface ProfileRequest {
  durationMs: number
  maxEvents: number
  tools: string[]
  options: ProfileOptions
  /** Where the client keeps its captures: nothing is written there unless that was allowed. */
  repositoryRoot: string
  sessionId: string
  hostName: string
  /** The XSpace is wanted in the reply itself. */
  emitXspace: boolean
}
export interface ToolData {
  name: string
  data: Uint8Array
}
export interface ProfileResponse {
  toolData: ToolData[]
  emptyTrace: boolean
  /** A serialized XSpace. */
  xspace?: Uint8Array
}
export interface MonitorRequest {
  durationMs: number
  monitoringLevel: number
  timestamp: boolean
}
export interface MonitorResult {
  /** Undefined where no GPU is recorded. */
  deviceIdlePercent: number | undefined
  stepTimeMs: { average: number; min: number; max: number } | undefined
}
export interface NewSessionRequest {
  request: ProfileRequest
  repositoryRoot: string
  hosts: string[]
  sessionId: string
}

const NO_OPTIONS: ProfileOptions = {
  hostTracerLevel: 0,
  deviceTracerLevel: 0,
  version: 0,
  includeDatasetOps: false,
  enableHloProto: false,
  pythonTracerLevel: 0,
  startTimestampNs: 0n,
  durationMs: 0,
  repositoryPath: '',
  sessionId: '',
  overrideHostname: '',
}

/** @throws Error for bytes that are no such message, as all that decode here. */
export function decodeProfileRequest(bytes: Uint8Array): ProfileRequest {
  const request: ProfileRequest = {
    durationMs: 0,
    maxEvents: 0,
    tools: [],
    options: { ...NO_OPTIONS },
    repositoryRoot: '',
    sessionId: '',
    hostName: '',
    emitXspace: false,
  }
  readMessage(bytes, {
    1: field => (request.durationMs = countOf(field)),
    2: field => (request.maxEvents = countOf(field)),
    3: field => request.tools.push(textOf(field)),
    4: field => (request.options = decodeOptions(lengthField(field).bytes)),
    5: field => (request.repositoryRoot = textOf(field)),
    6: field => (request.sessionId = textOf(field)),
    7: field => (request.hostName = textOf(field)),
    9: field => (request.emitXspace = countOf(field) !== 0),
  })
  return request
}

function decodeOptions(bytes: Uint8Array): ProfileOptions {
  const options = { ...NO_OPTIONS }
  readMessage(bytes, {
    1: field => (options.includeDatasetOps = countOf(field) !== 0),
    2: field => (options.hostTracerLevel = countOf(field)),
    3: field => (options.deviceTracerLevel = countOf(field)),
    4: field => (options.pythonTracerLevel = countOf(field)),
    5: field => (options.version = countOf(field)),
    7: field => (options.enableHloProto = countOf(field) !== 0),
    8: field => (options.startTimestampNs = BigInt.asUintN(64, bigintOfVarint(varintField(field)))),
    9: field => (options.durationMs = countOf(field)),
    10: field => (options.repositoryPath = textOf(field)),
    14: field => (options.sessionId = textOf(field)),
    15: field => (options.overrideHostname = textOf(field)),
  })
  return options
}

export function encodeProfileRequest(request: ProfileRequest): Buffer {
  const { options } = request
  const writer = new WireWriter().varint(1, request.durationMs).varint(2, request.maxEvents)
  for (const tool of request.tools) writer.string(3, tool)
  const inner = new WireWriter()
    .bool(1, options.includeDatasetOps)
    .varint(2, options.hostTracerLevel)
    .varint(3, options.deviceTracerLevel)
    .varint(4, options.pythonTracerLevel)
    .varint(5, options.version)
    .bool(7, options.enableHloProto)
    .varint(8, options.startTimestampNs)
    .varint(9, options.durationMs)
    .string(10, options.repositoryPath)
    .string(14, options.sessionId)
    .string(15, options.overrideHostname)
  return writer
    .message(4, inner)
    .string(5, request.repositoryRoot)
    .string(6, request.sessionId)
    .string(7, request.hostName)
    .bool(9, request.emitXspace)
    .finish()
}

export function encodeProfileResponse({ toolData, emptyTrace, xspace }: ProfileResponse): Buffer {
  const writer = new WireWriter()
  for (const { name, data } of toolData) writer.message(6, new WireWriter().string(1, name).bytes(2, data))
  writer.bool(7, emptyTrace)
  return (xspace === undefined ? writer : writer.bytes(8, xspace)).finish()
}

export function decodeProfileResponse(bytes: Uint8Array): ProfileResponse {
  const response: ProfileResponse = { toolData: [], emptyTrace: false }
  readMessage(bytes, {
    6: field => response.toolData.push(decodeToolData(lengthField(field).bytes)),
    7: field => (response.emptyTrace = countOf(field) !== 0),
    8: field => (response.xspace = lengthField(field).bytes),
  })
  return response
}
function decodeToolData(bytes: Uint8Array): ToolData {
  const tool: ToolData = { name: '', data: new Uint8Array() }
  readMessage(bytes, {
    1: field => (tool.name = textOf(field)),
    2: field => (tool.data = lengthField(field).bytes),
  })
  return tool
}

export function decodeMonitorRequest(bytes: Uint8Array): MonitorRequest {
  const request: MonitorRequest = { durationMs: 0, monitoringLevel: 0, timestamp: false }
  readMessage(bytes, {
    1: field => (request.durationMs = countOf(field)),
    2: field => (request.monitoringLevel = countOf(field)),
    3: field => (request.timestamp = countOf(field) !== 0),
  })
  return request
}

const UTIL_IDLE = 2
const UTIL_IDLE_STEP = 3
/** @param data what the client prints as it is */
export function encodeMonitorResponse(data: string, { deviceIdlePercent, stepTimeMs }: MonitorResult): Buffer {
  const result = new WireWriter()
  // Without a GPU the result is empty, as its type says then: an idle time of 0 would read as one that is always busy.
  if (deviceIdlePercent !== undefined) {
    result.varint(1, stepTimeMs === undefined ? UTIL_IDLE : UTIL_IDLE_STEP).double(2, deviceIdlePercent)
    if (stepTimeMs !== undefined) {
      result.double(4, stepTimeMs.average).double(5, stepTimeMs.min).double(6, stepTimeMs.max)
    }
  }
  return new WireWriter().string(1, data).message(10, result).finish()
}

/** Of TerminateRequest and GetSnapshotRequest: which session is meant. */
export function decodeSessionId(bytes: Uint8Array): string {
  let sessionId = ''
  readMessage(bytes, { 1: field => (sessionId = textOf(field)) })
  return sessionId
}

export function decodeNewSessionRequest(bytes: Uint8Array): NewSessionRequest {
  let request = decodeProfileRequest(new Uint8Array())
  let repositoryRoot = ''
  let sessionId = ''
  const hosts: string[] = []
  readMessage(bytes, {
    1: field => (request = decodeProfileRequest(lengthField(field).bytes)),
    2: field => (repositoryRoot = textOf(field)),
    3: field => hosts.push(textOf(field)),
    4: field => (sessionId = textOf(field)),
  })
  return { request, repositoryRoot, hosts, sessionId }
}
export function encodeNewSessionResponse(errorMessage: string, emptyTrace: boolean): Buffer {
  return new WireWriter().string(1, errorMessage).bool(2, emptyTrace).finish()
}

type Readers = Record<number, (field: Field) => unknown>
function readMessage(bytes: Uint8Array, readers: Readers): void {
  // A reply may be one field of all its bytes.
  const reader = new WireReader(bytes, Number.POSITIVE_INFINITY)
  for (let field = reader.next(); field !== undefined; field = reader.next()) readers[field.number]?.(field)
  if (!reader.isAtEnd) throw new Error('the message ends in the middle of a field')
}
function varintField(field: Field): Field {
  if (field.wireType !== VARINT) throw new Error(`field ${field.number} is no number`)
  return field
}
function lengthField(field: Field): Field {
  if (field.wireType !== LENGTH) throw new Error(`field ${field.number} is no text or message`)
  return field
}
/** Of a uint64: what a double cannot hold is as good as the largest that it can. */
function countOf(field: Field): number {
  const value = numberOfVarint(varintField(field))
  return value < 0 ? Number.MAX_SAFE_INTEGER : Math.min(value, Number.MAX_SAFE_INTEGER)
}
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
function textOf(field: Field): string {
  return UTF8.decode(lengthField(field).bytes)
}
