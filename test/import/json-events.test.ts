import { describe, expect, it } from 'vitest'

import { type JsonTrace, readJsonEvents } from '../../src/import/json-events.js'

async function read(
  text: string | Buffer,
  chunkBytes = 1 << 20,
): Promise<JsonTrace & { events: unknown[]; texts: string[] }> {
  const bytes = Buffer.from(text)
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      yield bytes.subarray(at, at + chunkBytes)
    }
  }
  const events: unknown[] = []
  const texts: string[] = []
  const trace = await readJsonEvents(chunks(), (batch, textOf) => {
    events.push(...batch)
    texts.push(...batch.map((_, index) => textOf(index)))
  })
  return { ...trace, events, texts }
}

const TRICKY = [
  { name: 'quote " and backslash \\', n: 1 },
  { name: 'brackets ]}[{ and , : in text', args: { list: [1, [2, { deep: '}' }]] } },
  { name: 'ünïcödé 漢字 🚀', n: -1.5e-7 },
  { name: '', args: {} },
]

describe('readJsonEvents', () => {
  it('gives the same events whatever the size of the chunks', async () => {
    const text = JSON.stringify({ displayTimeUnit: 'ns', traceEvents: TRICKY, tail: { x: [1, 2] } })
    for (const size of [1, 2, 3, 7, 64, 1 << 20]) {
      const { events, head, isCut, damaged } = await read(text, size)
      expect({ size, events, head, isCut, damaged }).toEqual({
        size,
        events: TRICKY,
        head: { displayTimeUnit: 'ns', tail: { x: [1, 2] } },
        isCut: false,
        damaged: 0,
      })
    }
  })

  it('reads a bare array', async () => {
    const { events, isCut, isForeign } = await read(JSON.stringify(TRICKY, null, 2), 5)
    expect({ events, isCut, isForeign }).toEqual({ events: TRICKY, isCut: false, isForeign: false })
  })

  it('keeps every whole event of a file that is cut at any byte', async () => {
    const text = JSON.stringify(TRICKY)
    const ends = TRICKY.map((_, index) => JSON.stringify(TRICKY.slice(0, index + 1)).length - 1)
    for (let length = 1; length < text.length; length++) {
      // Bytes, not characters: a cut may fall inside one.
      const cut = Buffer.from(text).subarray(0, Buffer.byteLength(text.slice(0, length)))
      const { events, isCut, damaged } = await read(cut)
      const whole = ends.filter(end => end <= length).length
      expect({ length, count: events.length, isCut, damaged }).toEqual({
        length,
        count: whole,
        isCut: true,
        damaged: 0,
      })
    }
  })

  it('skips what is no JSON, and counts it', async () => {
    const { events, damaged } = await read('[{"a":1},{"b":nonsense},{"c":3}\n{"d":4},,7,]')
    expect({ events, damaged }).toEqual({ events: [{ a: 1 }, { c: 3 }, { d: 4 }], damaged: 2 })
  })

  // Once, a bracket too many was a value of no length, read over and over.
  it('gets past brackets that close nothing', async () => {
    expect((await read('[{"a":1}},{"b":2},}')).events).toEqual([{ a: 1 }, { b: 2 }])
    expect((await read('{"traceEvents":[}')).events).toEqual([])
    expect((await read('{"a":}')).isForeign).toBe(true)
    expect((await read('{"a":]')).isForeign).toBe(true)
  })

  it('ends on random bytes of a trace', async () => {
    const text = JSON.stringify({ traceEvents: TRICKY })
    let state = 1
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return state % below
    }
    for (let round = 0; round < 2000; round++) {
      const bytes = Buffer.from(text)
      for (let edit = 0; edit < 4; edit++) bytes[random(bytes.length)] = '{}[]",:\\ \n'.charCodeAt(random(10))
      const { eventCount } = await read(bytes, 1 + random(40))
      expect(eventCount).toBeLessThanOrEqual(bytes.length)
    }
  })

  it('accepts a trailing comma and a byte order mark', async () => {
    expect((await read('\uFEFF {"traceEvents":[{"a":1},],}')).events).toEqual([{ a: 1 }])
  })

  it('tells the text of each event, also behind damaged ones', async () => {
    const { texts } = await read('[ {"a":1}, {"b":x}, { "ts": 1719000000000000.123 } ]')
    expect(texts).toEqual(['{"a":1}', '{ "ts": 1719000000000000.123 }'])
  })

  it('calls JSON without events foreign, but not an empty trace', async () => {
    expect((await read('{"name":"left-pad","version":"1.0.0"}')).isForeign).toBe(true)
    expect((await read('hello')).isForeign).toBe(true)
    expect((await read('{"traceEvents":[]}')).isForeign).toBe(false)
    expect((await read('[]')).isForeign).toBe(false)
  })
})
