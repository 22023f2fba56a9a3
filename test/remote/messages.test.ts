import { createHash } from 'node:crypto'

import { describe, expect, it } from 'vitest'
import {
  decodeProfileRequest,
  decodeProfileResponse,
  encodeMonitorResponse,
  encodeProfileRequest,
  encodeProfileResponse,
} from '../../src/remote/messages.js'
import { encodeProfileReply } from '../../src/remote/profile-reply.js'
import { RoomyBytes } from '../../src/remote/xspace.js'
import { RECORDED_REQUEST as REQUEST } from './recorded-request.js'

describe('a request as TensorFlow sends it', () => {
  it('says what its client asked for', () => {
    expect(REQUEST).toHaveLength(242)
    expect(decodeProfileRequest(REQUEST)).toEqual({
      durationMs: 200,
      maxEvents: 1_000_000,
      tools: [
        ...['trace_viewer', 'op_profile', 'input_pipeline', 'kernel_stats', 'memory_viewer', 'memory_profile'],
        ...['overview_page', 'pod_viewer', 'tensorflow_stats', 'xplane.pb'],
      ],
      options: {
        hostTracerLevel: 2,
        deviceTracerLevel: 1,
        version: 1,
        includeDatasetOps: true,
        enableHloProto: true,
        pythonTracerLevel: 0,
        startTimestampNs: 1795320542311043481n,
        durationMs: 200,
        repositoryPath: '/logs',
        sessionId: '',
        overrideHostname: '',
      },
      repositoryRoot: '/logs/plugins/profile',
      sessionId: '2026_11_22_04_09_02',
      hostName: 'localhost:7011',
      emitXspace: false,
    })
  })

  it('is made by our client byte for byte', () => {
    expect(encodeProfileRequest(decodeProfileRequest(REQUEST)).toString('hex')).toBe(REQUEST.toString('hex'))
  })

  it('that is cut anywhere is refused, or is one that ends there', () => {
    for (let length = 0; length < REQUEST.length; length++) {
      try {
        decodeProfileRequest(REQUEST.subarray(0, length))
      } catch (error) {
        expect((error as Error).message).toMatch(/ends in the middle|no number|no text|wire type|field number|varint/)
      }
    }
  })
})

describe('a reply', () => {
  it('without events is the flag alone', () => {
    expect(encodeProfileResponse({ toolData: [], emptyTrace: true }).toString('hex')).toBe('3801')
  })

  it('carries its XSpace as a tool', () => {
    const xspace = Buffer.alloc(444, 7)
    const reply = encodeProfileResponse({ toolData: [{ name: 'xplane.pb', data: xspace }], emptyTrace: false })
    expect(reply).toHaveLength(461)
    expect(reply.subarray(0, 17).toString('hex')).toBe('32ca030a0978706c616e652e706212bc03')
    expect(createHash('sha256').update(reply.subarray(17)).digest('hex')).toBe(
      createHash('sha256').update(xspace).digest('hex'),
    )
    expect(Buffer.from(decodeProfileResponse(reply).toolData[0]!.data)).toEqual(xspace)
  })

  it('is made around the XSpace where that is', () => {
    const xspace = Buffer.alloc(444, 7)
    const inPlace = () => new RoomyBytes(new Uint8Array(500).fill(7).subarray(56), 56)
    const asTool = { toolData: [{ name: 'xplane.pb', data: xspace }], emptyTrace: false }
    expect(encodeProfileReply({ kind: 'tool', xspace: inPlace() })).toEqual(encodeProfileResponse(asTool))
    for (const isEmpty of [false, true]) {
      expect(encodeProfileReply({ kind: 'xspace', xspace: inPlace(), isEmpty })).toEqual(
        encodeProfileResponse({ toolData: [], emptyTrace: isEmpty, xspace }),
      )
    }
    expect(encodeProfileReply({ kind: 'empty' }).toString('hex')).toBe('3801')
  })

  it('is read when it has hundreds of MiB', () => {
    const data = Buffer.alloc(300 << 20)
    const reply = encodeProfileResponse({ toolData: [{ name: 'xplane.pb', data }], emptyTrace: false })
    expect(decodeProfileResponse(reply).toolData[0]!.data.length).toBe(300 << 20)
  })

  it('to Monitor has the text that the client prints, and the figures', () => {
    const reply = encodeMonitorResponse('GPU busy: 40.0%', { deviceIdlePercent: 60, stepTimeMs: undefined })
    expect(reply.toString('hex')).toBe(
      `0a0f${Buffer.from('GPU busy: 40.0%').toString('hex')}520b0802110000000000004e40`,
    )
  })
})
