import { describe, expect, it } from 'vitest'

import { chromium } from '../browser.js'
import { focusedName, openReports, press, textOf, textsOf } from './reader.js'
import { CPU_BOUND, SERVICE } from './recordings.js'

describe.skipIf(chromium === undefined)('the top of the report', () => {
  const open = openReports()

  it('says first that nothing is missing, in one quiet line', async () => {
    const page = await open(SERVICE)
    const [first] = await page.$$eval('main > section:not([hidden])', all => all.map(({ id }) => id))
    expect(first).toBe('missing')
    expect(await textOf(page, '#missing p')).toBe('Nothing: every span and GPU record is here.')
  })

  it('says first what is missing', async () => {
    const spans = [{ thread: 'main', name: 'open', startNs: 5, endNs: null }]
    const page = await open({ spans, durationNs: 10, state: 'CPU' })
    expect(await textsOf(page, '#missing li')).toEqual([expect.stringMatching(/^1 span still open .*unfinished$/)])
  })

  it('leads from a finding to its row, unfolded and in focus', async () => {
    const page = await open(CPU_BOUND)
    await press(page, '#ops', 'Fold all')
    await page.type('#ops input', 'no such op')
    await press(page, '#findings', 'serve/tokenize')
    expect(await focusedName(page)).toBe('tokenize')
    expect(await page.$eval(':focus', row => row.getAttribute('aria-selected'))).toBe('true')
  })

  it('tells in its head what was recorded, and when', async () => {
    const page = await open(SERVICE)
    const facts = await textsOf(page, '#facts > div')
    expect(facts).toContain('recorded2025-11-22 02:53:20 UTC')
    // 50 requests of five spans, and two copies each that were made spans of their own.
    expect(facts).toContain('spans350 on 1 thread')
  })
})
