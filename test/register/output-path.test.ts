import { describe, expect, it } from 'vitest'

import { outputPath } from '../../src/register/output-path.js'

describe('the file of a process', () => {
  const facts = { pid: 42, host: 'gpu-1', startMs: 1_700_000_000_000, isRoot: true }
  const pathOf = (template: string, isRoot: boolean, taken: string[] = []) =>
    outputPath(template, { ...facts, isRoot }, path => taken.includes(path))

  it('is the path as it stands for the first process, also when the file is there', () => {
    expect(pathOf('/tmp/trace.json', true, ['/tmp/trace.json'])).toBe('/tmp/trace.json')
  })
  it.each([
    ['/tmp/trace.json.gz', '/tmp/trace.42.json.gz'],
    ['/tmp/trace.paddle.pb', '/tmp/trace.42.paddle.pb'],
    ['/tmp/v1.2/profile', '/tmp/v1.2/profile.42'],
    ['/tmp/trace.bin', '/tmp/trace.42.bin'],
    ['/tmp/%h.pftrace', '/tmp/gpu-1.42.pftrace'],
  ])('gets its process id before the suffix for a child: %s', (template, path) => {
    expect(pathOf(template, false)).toBe(path)
  })
  it('is filled in from the template, which then needs no more', () => {
    expect(pathOf('/tmp/%h-%p-%T.json', false)).toBe('/tmp/gpu-1-42-1700000000000.json')
    expect(pathOf('/tmp/100%%-%x%.json', true)).toBe('/tmp/100%-%x%.json')
    expect(pathOf('/tmp/%%p.json', false)).toBe('/tmp/%p.42.json')
  })
  it('gets a number where a name that was made is taken', () => {
    expect(pathOf('/tmp/%p.json', true, ['/tmp/42.json'])).toBe('/tmp/42.1.json')
    expect(pathOf('/tmp/a.json', false, ['/tmp/a.42.json', '/tmp/a.42.1.json'])).toBe('/tmp/a.42.2.json')
  })
})
