import { describe, expect, it } from 'vitest'

import { chromium } from '../browser.js'
import { focusedName, openReports, opNames, press, textOf, textsOf } from './reader.js'
import { SERVICE } from './recordings.js'

describe.skipIf(chromium === undefined)('the op table', () => {
  const open = openReports()

  it('sorts by a head that is clicked, turns around at the next click, and says so', async () => {
    const page = await open(SERVICE)
    const top = () => page.$$eval('#ops tr[aria-level="1"] .name', all => all.map(name => name.textContent))
    const sorted = () => page.$$eval('#ops th[aria-sort]', all => all.map(th => th.getAttribute('aria-sort')))
    await press(page, '#ops', 'Total, ms')
    expect([await top(), await sorted()]).toEqual([['predict', 'postprocess'], ['descending']])
    expect(await textOf(page, '#status')).toBe('Sorted by Total, ms, descending')
    await press(page, '#ops', 'Total, ms')
    expect([await top(), await sorted()]).toEqual([['postprocess', 'predict'], ['ascending']])
  })

  it('has a head for every key of the report, each of which orders', async () => {
    const page = await open(SERVICE)
    const heads = await textsOf(page, '#ops th button')
    const wanted = [
      'Event',
      'Calls',
      'Total',
      'Self',
      'CPU',
      'GPU',
      'Min',
      'Ave',
      'p50',
      'p99',
      'Max',
      'First',
      'Ratio',
    ]
    expect(heads.map(head => head.split(',')[0])).toEqual(wanted)
    for (const head of heads) {
      await press(page, '#ops', head)
      expect(await page.$eval('#ops th[aria-sort]', th => th.textContent)).toBe(head)
    }
  })

  it('is walked, folded, unfolded and chosen from by keyboard alone', async () => {
    const page = await open(SERVICE)
    await press(page, '#ops', 'Unfold all')
    await page.focus('#ops tr[tabindex="0"]')
    expect(await focusedName(page)).toBe('predict')
    const all = await opNames(page)
    await page.keyboard.press('ArrowLeft')
    expect(await opNames(page)).toEqual(['predict', 'postprocess'])
    await page.keyboard.press('ArrowRight')
    expect(await opNames(page)).toEqual(all)
    await page.keyboard.press('ArrowRight')
    expect(await focusedName(page)).toBe(all[1])
    await page.keyboard.press('End')
    expect(await focusedName(page)).toBe('postprocess')
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowLeft')
    expect(await focusedName(page)).toBe('predict')
    await page.keyboard.press('Enter')
    expect(await page.$eval(':focus', row => row.getAttribute('aria-selected'))).toBe('true')
    // What is chosen is searched for on the timeline.
    expect(await page.$eval('#timeline input', input => (input as HTMLInputElement).value)).toBe('predict')
  })

  it('filters by what is typed, with the rows around a match', async () => {
    const page = await open(SERVICE)
    await page.type('#ops input', 'COMP')
    expect(await opNames(page)).toEqual(['predict', 'matmul', 'compute'])
    expect(await textsOf(page, '#ops mark')).toEqual(['compute'])
    expect(await textOf(page, '#status')).toBe('1 match')
  })

  it('hides phases when less detail is asked for', async () => {
    const page = await open(SERVICE)
    expect(await opNames(page)).toContain('compute')
    await press(page, '#ops', 'Default')
    expect(await opNames(page)).not.toContain('compute')
    expect(await page.$eval('#ops [aria-pressed="true"]', one => one.textContent)).toBe('Default')
  })

  it('has a few rows of 15,000 in the document, and all within reach', async () => {
    const count = 15_000
    const page = await open({
      spans: Array.from({ length: count }, (_, i) => ({
        thread: 'main',
        name: `op ${i}`,
        startNs: i * 10,
        endNs: i * 10 + 5,
      })),
    })
    expect((await opNames(page)).length).toBeLessThan(200)
    expect(await page.$eval('#ops table', table => table.getAttribute('aria-rowcount'))).toBe(String(count + 1))
    await page.focus('#ops tr[tabindex="0"]')
    await page.keyboard.press('End')
    expect(await focusedName(page)).toBe(`op ${count - 1}`)
    await page.keyboard.press('PageUp')
    const name = await focusedName(page)
    expect(name).toMatch(/^op 149\d\d$/)
    await page.$eval('#ops .scroller', scroller => scroller.scrollTo(0, 0))
    await page.waitForFunction(() => document.querySelector('#ops tr[data-index="0"]') !== null)
    // Tab still finds a row, though the one that had the focus is far away.
    expect(await page.$$eval('#ops tr[tabindex="0"]', rows => rows.length)).toBe(1)
  })
})
