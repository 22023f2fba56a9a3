import { describe, expect, it } from 'vitest'

import { optionsOfLevels, planCapture } from '../../src/remote/capture-plan.js'
import { decodeProfileRequest, type ProfileRequest } from '../../src/remote/messages.js'

const NOW = 1_800_000_000_000
const FOREVER = Number.POSITIVE_INFINITY
const EMPTY = decodeProfileRequest(new Uint8Array())

interface Asked {
  durationMs?: number
  startMs?: number
  deadlineMs?: number
}
function plan({ durationMs = 1000, startMs = 0, deadlineMs = FOREVER }: Asked) {
  const options = { ...EMPTY.options, durationMs, startTimestampNs: BigInt(startMs) * 1_000_000n }
  const request: ProfileRequest = { ...EMPTY, options }
  return planCapture(request, { maxDurationMs: 60_000, deadlineMs, nowMs: NOW })
}

describe('when a capture is made', () => {
  it('is now, for as long as its client said', () => {
    expect(plan({})).toEqual({ durationMs: 1000, startMs: NOW, notes: [] })
    const old = { ...EMPTY, durationMs: 300 }
    expect(planCapture(old, { maxDurationMs: 60_000, deadlineMs: FOREVER, nowMs: NOW }).durationMs).toBe(300)
    expect(plan({ durationMs: 0 }).durationMs).toBe(1)
  })

  it('is the moment that all hosts begin at', () => {
    expect(plan({ startMs: NOW + 500, deadlineMs: NOW + 60_000 })).toEqual({
      durationMs: 1000,
      startMs: NOW + 500,
      notes: [],
    })
  })

  it('is no later than its client waits, nor than a minute', () => {
    // Of 10 s a fifth is for the reply, and one for the capture.
    expect(plan({ startMs: NOW + 8000, deadlineMs: NOW + 10_000 })).toEqual({
      durationMs: 1000,
      startMs: NOW + 7000,
      notes: ['The capture began 1000 ms before it was to.'],
    })
    expect(plan({ startMs: NOW + 61_000 }).startMs).toBe(NOW + 60_000)
  })

  it('is at once for a moment that is over, which is told when it was long ago', () => {
    expect(plan({ startMs: NOW - 249 }).notes).toEqual([])
    expect(plan({ startMs: NOW - 250 }).notes).toEqual([
      "The capture began 250 ms after its client asked, by the client's clock.",
    ])
  })

  it.each([
    [1000, 750],
    [10_000, 8000],
    [100_000, 90_000],
    [100, 1],
  ])('leaves time for the reply: of %i ms %i', (waitsMs, capturedMs) => {
    const { durationMs } = planCapture(
      { ...EMPTY, durationMs: 3_600_000 },
      { maxDurationMs: 3_600_000, deadlineMs: NOW + waitsMs, nowMs: NOW },
    )
    expect(durationMs).toBe(capturedMs)
  })
})

describe('the levels of TensorFlow', () => {
  const levels = (version: number, hostTracerLevel: number, deviceTracerLevel: number) =>
    optionsOfLevels({ ...EMPTY.options, version, hostTracerLevel, deviceTracerLevel })

  it('say what is recorded, where they are meant', () => {
    expect(levels(0, 0, 0)).toEqual({})
    expect(levels(1, 2, 1)).toEqual({})
    expect(levels(1, 2, 0)).toEqual({ gpu: 'off' })
    expect(levels(1, 3, 1)).toEqual({ tracerOption: 'AllOpDetail' })
    expect(levels(1, 0, 1)).toEqual({ categories: ['device'] })
    expect(levels(1, 1, 0)).toMatchObject({ gpu: 'off', categories: expect.not.arrayContaining(['cpu_op']) })
  })

  it('that ask for nothing are refused', () => {
    expect(() => levels(1, 0, 0)).toThrow(expect.objectContaining({ status: 'INVALID_ARGUMENT' }))
  })
})
