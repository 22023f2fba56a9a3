// The client side is grpc-js with messages that protobufjs encodes from Triton's definition.
import {
  type Client,
  credentials,
  loadPackageDefinition,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'
import protobuf from 'protobufjs'
import { describe, expect, it, onTestFinished } from 'vitest'

import type { GrpcCaller, NetworkAccess } from '../../src/network-access.js'
import { decodeSettingRequest, encodeSettingResponse } from '../../src/serving/settings-codec.js'
import { addTraceSettingService } from '../../src/serving/settings-grpc.js'
import { TraceSettings } from '../../src/serving/trace-settings.js'

const PROTO = `syntax = "proto3"; package inference;
message SettingValue { repeated string value = 1; }
message TraceSettingRequest { map<string, SettingValue> settings = 1; string model_name = 2; }
message TraceSettingResponse { map<string, SettingValue> settings = 1; }
message ServerLiveRequest {}
message ServerLiveResponse { bool live = 1; }
service GRPCInferenceService {
  rpc ServerLive(ServerLiveRequest) returns (ServerLiveResponse) {}
  rpc TraceSetting(TraceSettingRequest) returns (TraceSettingResponse) {}
}`
const root = protobuf.parse(PROTO, { keepCase: true }).root
const Request = root.lookupType('inference.TraceSettingRequest')
const Response = root.lookupType('inference.TraceSettingResponse')
const { inference } = loadPackageDefinition(fromJSON(root, { keepCase: true })) as never as {
  inference: { GRPCInferenceService: { new (...args: unknown[]): Client; service: ServiceDefinition } }
}
const SERVICE = inference.GRPCInferenceService.service

type Values = Record<string, { value: string[] }>
type Sent = { settings?: Record<string, { value?: string[] }>; model_name?: string }
const START = { level: 'TIMESTAMPS', file: 't.json', rate: 7 }
const STATE: Values = {
  trace_level: { value: ['TIMESTAMPS'] },
  trace_rate: { value: ['7'] },
  trace_count: { value: ['-1'] },
  log_frequency: { value: ['0'] },
  trace_file: { value: ['t.json'] },
  trace_mode: { value: ['triton'] },
}

async function start(server: Server): Promise<number> {
  onTestFinished(() => server.forceShutdown())
  return new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    ),
  )
}

/** What a client calls; it fails with the error of the call. */
function clientOf(port: number) {
  const client = new inference.GRPCInferenceService(`127.0.0.1:${port}`, credentials.createInsecure())
  onTestFinished(() => client.close())
  const send = (bytes: Buffer, metadata = new Metadata()) =>
    new Promise<Values>((resolve, reject) =>
      client.makeUnaryRequest(
        '/inference.GRPCInferenceService/TraceSetting',
        (each: Buffer) => each,
        (each: Buffer) => Response.toObject(Response.decode(each)).settings as Values,
        bytes,
        metadata,
        (error, values) => (error === null ? resolve(values!) : reject(error)),
      ),
    )
  return {
    client,
    send,
    call: (sent: Sent, metadata?: Metadata) =>
      send(Buffer.from(Request.encode(Request.create(sent)).finish()), metadata),
  }
}
async function serve(access?: NetworkAccess<GrpcCaller>) {
  const settings = new TraceSettings(START)
  const server = new Server()
  const refusals = addTraceSettingService(server, settings, access)
  return { settings, refusals, ...clientOf(await start(server)) }
}
const failure = (call: Promise<unknown>) =>
  call.then(
    () => 'did not fail',
    ({ code, details }: ServiceError) => `${status[code]} ${details}`,
  )

describe('TraceSetting', () => {
  it('shows the settings, and restarts no counter by that', async () => {
    const { settings, call } = await serve()
    for (let i = 0; i < 6; i++) settings.sample(undefined)
    expect(await call({})).toEqual(STATE)
    expect(settings.sample(undefined)).toBeDefined()
  })

  it('changes them, and answers with all', async () => {
    const { settings, call } = await serve()
    const changed = await call({
      settings: { trace_level: { value: ['TIMESTAMPS', 'TENSORS'] }, trace_rate: { value: ['5'] } },
    })
    expect(changed).toEqual({
      ...STATE,
      trace_level: { value: ['TIMESTAMPS', 'TENSORS'] },
      trace_rate: { value: ['5'] },
    })
    expect(settings.describe()).toMatchObject({ trace_level: ['TIMESTAMPS', 'TENSORS'], trace_rate: '5' })
  })

  it('clears what has no value', async () => {
    const { call } = await serve()
    await call({ settings: { trace_level: { value: ['OFF'] }, trace_rate: { value: ['5'] } } })
    expect(await call({ settings: { trace_level: { value: [] }, trace_rate: {} } })).toEqual(STATE)
  })

  it('has settings per model', async () => {
    const { settings, call } = await serve()
    settings.knowModel('größe')
    const own = { ...STATE, trace_rate: { value: ['2'] } }
    expect(await call({ model_name: 'größe', settings: { trace_rate: { value: ['2'] } } })).toEqual(own)
    expect(await call({ model_name: 'größe' })).toEqual(own)
    expect(await call({ model_name: '' })).toEqual(STATE)
  })

  it.each([
    [{ model_name: 'ghost' }, 'INVALID_ARGUMENT No request for model "ghost" has been seen.'],
    [
      { settings: { trace_rate: { value: ['0'] } } },
      'INVALID_ARGUMENT Expected "trace_rate" to be a whole number from 1 to 4294967295, got 0.',
    ],
    [
      { settings: { trace_rate: { value: ['1', '2'] } } },
      'INVALID_ARGUMENT Expected "trace_rate" to be a whole number from 1 to 4294967295, got an array.',
    ],
    [
      { settings: { trace_level: { value: ['OFF', 'MIN'] } } },
      'INVALID_ARGUMENT Expected OFF to be alone in "trace_level", got it beside another level.',
    ],
    [
      { settings: { trace_count: { value: ['0'] } } },
      'INVALID_ARGUMENT Nothing would be traced: the count is 0: set it, or -1 for no limit.',
    ],
    [
      { settings: { trace_file: { value: ['/etc/x'] }, trace_rate: { value: ['1'] } } },
      'UNIMPLEMENTED "trace_file" is set when the process starts, and never from the network.',
    ],
    [
      { settings: { trace_file: {} } },
      'UNIMPLEMENTED "trace_file" is set when the process starts, and never from the network.',
    ],
    [{ settings: { x: { value: ['y'.repeat(70_000)] } } }, 'INVALID_ARGUMENT Settings have at most 65536 bytes.'],
  ])('refuses %j', async (sent: Sent, message) => {
    const { settings, call } = await serve()
    const text = await failure(call(sent))
    expect(text).toBe(message)
    expect(settings.describe()).toEqual(new TraceSettings(START).describe())
  })

  it('refuses a name that reaches for the prototype', async () => {
    const { send } = await serve()
    const bytes = Buffer.from('0a0f0a095f5f70726f746f5f5f12020a00', 'hex')
    expect(await failure(send(bytes))).toMatch(/^INVALID_ARGUMENT Unknown setting "__proto__"/)
  })

  it.each([
    ['that is cut', '0a050a01'],
    ['of no field', '00'],
    ['with a text that is no UTF-8', '1202fffe'],
    ['of random bytes', 'ffffffffffffffffffffff'],
    ['with an entry that is cut', '0a020a05'],
  ])('refuses a message %s', async (_, hex) => {
    const { send, call } = await serve()
    expect(await failure(send(Buffer.from(hex, 'hex')))).toMatch(
      /^INVALID_ARGUMENT The message is no TraceSettingRequest: /,
    )
    expect(await call({})).toEqual(STATE)
  })
})

describe('who is let in over gRPC', () => {
  const with1 = (name: string, value: string) => {
    const metadata = new Metadata()
    metadata.set(name, value)
    return metadata
  }

  it('nobody whom a proxy hands on', async () => {
    const { refusals, call } = await serve()
    expect(await failure(call({}, with1('x-forwarded-for', '127.0.0.1')))).toBe(
      'PERMISSION_DENIED Trace settings are for requests of this machine.',
    )
    expect(refusals).toEqual({ count: 1, failedCount: 0 })
    const open = await serve({ allowRemote: true })
    expect(await open.call({}, with1('via', 'x'))).toEqual(STATE)
  })

  it('no other address', async () => {
    const handlers: ((call: unknown, callback: (failure: unknown) => void) => void)[] = []
    const server = { addService: (_: object, { TraceSetting }: never) => void handlers.push(TraceSetting) }
    addTraceSettingService(server, new TraceSettings(START))
    const codeFor = (peer: string) =>
      new Promise(resolve =>
        handlers[0]!({ getPeer: () => peer, metadata: new Metadata(), request: Buffer.alloc(0) }, resolve),
      )
    expect(await codeFor('127.0.0.1:5000')).toBeNull()
    expect(await codeFor('::1:5000')).toBeNull()
    expect(await codeFor('::ffff:127.0.0.1:5000')).toBeNull()
    for (const peer of ['10.0.0.1:5000', '::ffff:10.0.0.1:5000', 'unknown', '127.0.0.1.evil:80', '']) {
      expect(await codeFor(peer)).toMatchObject({ code: status.PERMISSION_DENIED })
    }
  })

  it('who is authorized', async () => {
    const { refusals, call } = await serve({
      authorize: ({ metadata }) => {
        if (metadata.get('token')[0] === 'broken') throw new Error('cannot say')
        return metadata.get('token')[0] === 'secret'
      },
    })
    expect(await call({}, with1('token', 'secret'))).toEqual(STATE)
    expect(await failure(call({}))).toBe('PERMISSION_DENIED Not allowed.')
    expect(await failure(call({}, with1('token', 'broken')))).toBe('PERMISSION_DENIED Not allowed.')
    expect(refusals).toEqual({ count: 2, failedCount: 1 })
  })
})

describe('a server with a service of that name', () => {
  const live = {
    ServerLive: (_: unknown, callback: (error: null, reply: object) => void) => callback(null, { live: true }),
  }
  const { TraceSetting, ...rest } = SERVICE

  it.each(['before', 'after'])('keeps it when it is added %s', async when => {
    const server = new Server()
    if (when === 'before') server.addService(rest, live)
    addTraceSettingService(server, new TraceSettings(START))
    if (when === 'after') server.addService(rest, live)
    const { client, call } = clientOf(await start(server))
    expect(await call({})).toEqual(STATE)
    const reply = await new Promise((resolve, reject) =>
      (client as never as Record<string, (...args: unknown[]) => void>).ServerLive!(
        {},
        (error: unknown, value: unknown) => (error ? reject(error) : resolve(value)),
      ),
    )
    expect(reply).toEqual({ live: true })
  })

  it('that has TraceSetting itself is told what to leave out', () => {
    expect(TraceSetting?.path).toBe('/inference.GRPCInferenceService/TraceSetting')
    const server = new Server()
    server.addService(SERVICE, live)
    expect(() => addTraceSettingService(server, new TraceSettings(START))).toThrow(
      expect.objectContaining({ code: 'ERR_OPSCOPE_OPTION_VALUE', hint: expect.stringMatching(/\.\.\.rest/) }),
    )
  })
})

describe('the messages', () => {
  it.each([
    [{}],
    [{ model_name: 'm' }],
    [{ settings: { a: { value: ['x', '', 'ÿ'] }, '': {}, b: { value: [] } }, model_name: 'ä'.repeat(100) }],
  ])('are read as protobufjs writes them: %j', (sent: Sent) => {
    const { settings, model } = decodeSettingRequest(Request.encode(Request.create(sent)).finish())
    expect(model).toBe(sent.model_name ?? '')
    const wanted = Object.entries(sent.settings ?? {}).map(([key, { value = [] }]) => [key, value])
    expect([...settings]).toEqual(wanted)
  })

  it('are read although they have fields of a later version, and with the last of two', () => {
    const extra = Buffer.from(
      '1801' + '2101020304050607082d01020304' + '3a0178' + '0a0012016112' + '0162' + '1005',
      'hex',
    )
    expect(decodeSettingRequest(extra)).toEqual({ settings: new Map([['', []]]), model: 'b' })
  })

  it('are written so that protobufjs reads them', () => {
    const settings = { trace_level: ['A', 'ä'.repeat(9000)], trace_file: 'x'.repeat(128), none: [], '': '' }
    expect(Response.toObject(Response.decode(encodeSettingResponse(settings)))).toEqual({
      settings: {
        trace_level: { value: ['A', 'ä'.repeat(9000)] },
        trace_file: { value: ['x'.repeat(128)] },
        none: {},
        '': { value: [''] },
      },
    })
  })
})
