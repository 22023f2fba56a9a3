import type { Page } from 'puppeteer-core'
import { describe, expect, it } from 'vitest'

import { chromium } from '../browser.js'
import { openReports, press, textOf, textsOf } from './reader.js'
import { REQUESTS, SERVICE } from './recordings.js'

describe.skipIf(chromium === undefined)('a range', () => {
  const open = openReports()

  /** Draws it on the timeline, over a part of what that shows. */
  async function draw(page: Page, from: number, to: number): Promise<void> {
    await page.$eval('#timeline', element => element.scrollIntoView())
    const box = await (await page.$('.timeline-overlay'))!.boundingBox()
    const y = box!.y + box!.height - 20
    await page.keyboard.down('Shift')
    await page.mouse.move(box!.x + box!.width * from, y)
    await page.mouse.down()
    await page.mouse.move(box!.x + (box!.width * (from + to)) / 2, y)
    await page.mouse.move(box!.x + box!.width * to, y)
    await page.mouse.up()
    await page.keyboard.up('Shift')
    await page.waitForSelector('#range:not([hidden])')
  }

  it('that is drawn on the timeline has its own tables, which lead back to the whole', async () => {
    const page = await open(SERVICE)
    await draw(page, 0.25, 0.75)
    const headings = await textsOf(page, '#range h3')
    expect(headings.map(text => text.split(',')[0])).toEqual(['Ops', 'Kernels', 'Copies and fills'])
    expect(await textOf(page, '#range strong')).toMatch(/^(2[45]\.?\d*) ms, from 12\.\d+ ms to 37\.\d+ ms$/)
    // 50 requests in 50 ms: about 25 of them.
    const calls = await page.$eval('#range tr[aria-level="1"] td:nth-child(2)', cell => Number(cell.textContent))
    expect(calls).toBeGreaterThanOrEqual(25)
    expect(calls).toBeLessThanOrEqual(27)
    await press(page, '#range', 'Back to the whole recording')
    expect(await page.$eval('#range', section => (section as HTMLElement).hidden)).toBe(true)
  })

  it('is told in the bar wherever one reads, with a way back', async () => {
    const page = await open(SERVICE)
    await draw(page, 0.1, 0.2)
    expect(await textOf(page, '#range-chip')).toMatch(/^5\.?\d* ms from /)
    await press(page, '#range-chip', '✕')
    expect(await page.$eval('#range-chip', chip => (chip as HTMLElement).hidden)).toBe(true)
  })

  it('leaves nothing of its tables behind when the next one is drawn', async () => {
    const page = await open(SERVICE)
    // The browser collects what nothing reaches before it counts.
    const countTables = async (): Promise<number> => {
      const prototype = await page.evaluateHandle(() => HTMLTableElement.prototype)
      const tables = await page.queryObjects(prototype)
      return page.evaluate(all => all.length, tables)
    }
    await draw(page, 0.2, 0.9)
    const inOne = await countTables()
    for (let at = 1; at <= 50; at++) await draw(page, 0.2 + at / 100, 0.9)
    expect(await page.$$eval('#range table', tables => tables.length)).toBe(3)
    // Others of the page come into the count and leave it; a leak is a table a range at least.
    expect((await countTables()) - inOne).toBeLessThan(25)
  })

  it('has its rows on paper too, and those of the range that is shown', async () => {
    const rows = Array.from({ length: 300 }, (_, i) => ({ name: `op ${i}`, startNs: i * 100, endNs: i * 100 + 90 }))
    const page = await open({ spans: rows.map(row => ({ thread: 'main', ...row })), durationNs: 30_000 })
    await draw(page, 0.1, 0.2)
    await draw(page, 0.2, 0.8)
    const countRows = () => page.$$eval('#range tr[data-index]', all => all.length)
    expect(await countRows()).toBeLessThan(170)
    // About 180 ops begin in six tenths of the time.
    await page.emulateMediaType('print')
    await page.waitForFunction(() => document.querySelectorAll('#range tr[data-index]').length > 170)
  })
})

describe.skipIf(chromium === undefined)('what is selected', () => {
  const open = openReports()

  /** Searches for it on the timeline, goes to the first match and selects that. */
  async function select(page: Page, name: string): Promise<void> {
    await page.type('#timeline input', name)
    await page.keyboard.press('Enter')
    await page.focus('#timeline [tabindex="0"]')
    await page.keyboard.press('Enter')
    await page.waitForSelector('#details:not([hidden])')
  }

  it('is told, with its attributes, and leads to the tables of its time', async () => {
    const page = await open(REQUESTS)
    await press(page, '#requests', 'Timeline')
    expect(await textsOf(page, '#details dt')).toEqual([
      'span',
      'path',
      'thread',
      'state',
      'request_id',
      'start',
      'duration',
    ])
    const values = await textsOf(page, '#details dd')
    expect(values.slice(0, 6)).toEqual(['HTTP request', 'HTTP request', 'main', 'async', 'r99', '19.8 s'])
    await press(page, '#details', 'Tables of its time')
    expect(await textOf(page, '#range strong')).toBe('100 ms, from 19.8 s to 19.9 s')
  })

  it.each([
    ['main', { jsThreadId: 0, osThreadId: 4242 }, 'main (4242)'],
    ['worker 2', { jsThreadId: 2 }, 'worker 2'],
    ['thread 4243', { osThreadId: 4243 }, 'thread 4243'],
    ['thread 0', {}, 'thread 0'],
  ])('is of a thread that the timeline calls %s too', async (track, thread, told) => {
    const page = await open({
      threads: [{ name: '', ...thread }],
      spans: [{ thread: '', name: 'work', startNs: 0, endNs: 100 }],
    })
    expect(await textsOf(page, '.timeline-name')).toEqual([track])
    await select(page, 'work')
    expect((await textsOf(page, '#details dd'))[2]).toBe(told)
  })

  it('leads from a kernel to its launch and its op, and from the launch back', async () => {
    const page = await open(SERVICE)
    await select(page, 'bias')
    const told = async () => new Map((await textsOf(page, '#details dt')).map((dt, at) => [dt, at] as const))
    const values = () => textsOf(page, '#details dd')
    const fact = async (name: string) => (await values())[(await told()).get(name)!]
    expect(await fact('kernel')).toBe('bias(float*, int)')
    // Launched from 80 to 84 µs, ran from 90 to 94.
    expect(await fact('began')).toBe('6 µs after its launch returned')
    expect(await fact('place')).toBe('GPU 0, context 1, stream 13')
    expect(await fact('op')).toBe('predict/matmul/compute')
    await press(page, '#details', '← cudaLaunchKernel')
    expect([await fact('launch'), await fact('start'), await fact('caused')]).toEqual([
      'cudaLaunchKernel',
      '80 µs',
      '1 GPU row',
    ])
    await press(page, '#details', '→ bias(float*, int)')
    expect(await fact('kernel')).toBe('bias(float*, int)')
    await press(page, '#details', 'op: compute')
    expect(await fact('path')).toBe('predict/matmul/compute')
  })

  it('has the bytes and the rate of a copy', async () => {
    const page = await open(SERVICE)
    await select(page, 'Memcpy HtoD')
    // 256 KiB in 26 µs.
    expect(await textOf(page, '#details')).toContain('256 KiB, 10.08 GB/s')
    expect(await textOf(page, '#details')).toContain('pageable → device')
  })
})
