import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'

import { fileKind } from '../../src/import/file-kind.js'

const message = (...bytes: number[]) => Buffer.from([0x0a, bytes.length, ...bytes])

describe('fileKind', () => {
  it('knows JSON by its first bracket, also behind blanks that look like a protobuf tag', () => {
    expect(fileKind(Buffer.from('{"traceEvents":[]}'))).toBe('json')
    expect(fileKind(Buffer.from(`\n{${' '.repeat(121)}\n}`))).toBe('json')
    expect(fileKind(Buffer.from('\n\n  [\n]'))).toBe('json')
    expect(fileKind(Buffer.from('\uFEFF[]'))).toBe('json')
  })

  it('tells a Perfetto packet from a Paddle event, which begin with the same byte', () => {
    const packet = message(0x40, 0x05, 0x50, 0x01) // timestamp 5, sequence 1
    const event = message(0x0a, 0x01, 0x66, 0x10, 0x05, 0x18, 0x09) // name "f", start 5, end 9
    expect(fileKind(packet)).toBe('perfetto')
    expect(fileKind(Buffer.concat([packet, packet]))).toBe('perfetto')
    expect(fileKind(event)).toBe('paddle')
    expect(fileKind(Buffer.from([0x10, 0x05, 0x18, 0x09]))).toBe('paddle') // no events at all
  })

  it('knows a first packet that is longer than what was read', () => {
    expect(fileKind(Buffer.from([0x0a, 0xff, 0x7f, 0x40, 0x05]))).toBe('perfetto')
  })

  it('knows a log of stage lines by a record, behind whatever begins the line', () => {
    expect(fileKind(Buffer.from('PROFILE\tpid:1\ta_0:1 a_1:2\n'))).toBe('profile-log')
    expect(fileKind(Buffer.from('\n[12:00] x PROFILE\ta_0:1 a_1:2\n'))).toBe('profile-log')
    expect(fileKind(Buffer.from('PROFILE a_0:1 a_1:2\n'))).toEqual({ foreign: 'no trace that opscope knows' })
    expect(fileKind(Buffer.from('{"name":"PROFILE\\tpid:1\\ta_0:1"}'))).toBe('json')
  })

  it('names what others write', () => {
    expect(fileKind(Buffer.alloc(0))).toBe('empty')
    expect(fileKind(gzipSync('x'))).toBe('gzip')
    expect(fileKind(Buffer.from('ARROW1\0\0'))).toEqual({ foreign: 'an Arrow file' })
    expect(fileKind(Buffer.from('<!doctype html>'))).toEqual({ foreign: 'a web page or XML' })
    expect(fileKind(Buffer.from('name,calls\nmatmul,3\n'))).toEqual({ foreign: 'no trace that opscope knows' })
  })
})
