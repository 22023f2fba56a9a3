import { describe, expect, it } from 'vitest'

import { chromium } from '../browser.js'
import { openReports, press, textOf, textsOf } from './reader.js'
import { REQUESTS } from './recordings.js'

describe.skipIf(chromium === undefined)('requests', () => {
  const open = openReports()

  it('are told by percentiles, and by the stages of the mean one', async () => {
    const page = await open(REQUESTS)
    // 1 to 100 ms: R-7 puts p99 at 99.01.
    expect(await textOf(page, '#requests .note')).toContain(
      '100 requests “HTTP request”: mean 50.5 ms, p50 50.5 ms, p90 90.1 ms, p99 99 ms, max 100 ms.',
    )
    expect(await textsOf(page, '#requests .waterfall:first-of-type tbody tr')).toEqual([
      'whole request0 ns50.5 ms1',
      'queue0 ns5.05 ms1',
      'infer5.05 ms45.5 ms1',
      'whole request0 ns100 ms',
      'queue0 ns10 ms',
      'infer10 ms90 ms',
    ])
  })

  it('of another kind have a chart of their own, and that of the first is gone', async () => {
    const [request] = REQUESTS.spans!
    const other = { ...request!, name: 'gRPC request', startNs: 0, endNs: 5e6, ids: { spanId: 'ffff' } }
    const page = await open({ ...REQUESTS, spans: [...REQUESTS.spans!, other] })
    const countCanvases = async (): Promise<number> => {
      const prototype = await page.evaluateHandle(() => HTMLCanvasElement.prototype)
      const canvases = await page.queryObjects(prototype)
      return page.evaluate(all => all.length, canvases)
    }
    const show = async (kind: number): Promise<void> => {
      await page.$eval(
        '#requests select',
        (select, kind) => {
          select.selectedIndex = kind
          select.dispatchEvent(new Event('change'))
        },
        kind,
      )
      await page.$eval('#requests .plot', plot => plot.scrollIntoView({ block: 'center' }))
      // No handle, which would keep the chart.
      await page.waitForFunction(() => document.querySelector('#requests .u-over') !== null)
    }
    await show(1)
    const atFirst = await countCanvases()
    for (let turn = 0; turn < 10; turn++) {
      await show(0)
      await show(1)
    }
    // Twenty charts were replaced; others of the page may come into the count.
    expect((await countCanvases()) - atFirst).toBeLessThan(10)
  })

  it('of a bar that is clicked are listed, each with its stages and a way to the timeline', async () => {
    const page = await open(REQUESTS)
    await page.$eval('#requests .plot', plot => plot.scrollIntoView({ block: 'center' }))
    await page.waitForSelector('#requests .u-over')
    const box = await (await page.$('#requests .u-over'))!.boundingBox()
    await page.mouse.move(box!.x + box!.width - 3, box!.y + box!.height / 2)
    expect(await textOf(page, '#requests .plot-told')).toMatch(/^\d.* ms to 1\d\d.* ms: \d+ requests$/)
    // The last class holds the slowest.
    await page.mouse.click(box!.x + box!.width - 3, box!.y + box!.height / 2)
    const [first] = await textsOf(page, '#requests table[aria-label^="Requests: "]:last-of-type tbody tr')
    expect(first).toBe('19.8 s100 msr99ShowTimeline')
    expect((await textsOf(page, '#requests h3')).at(-1)).toMatch(/ ms to \d+.* ms, \d+ requests$/)
    await press(page, '#requests', 'Show')
    expect((await textsOf(page, '#requests h3')).at(1)).toBe('Stages of the request at 19.8 s, 100 ms')
  })

  it('of a class are listed by keyboard too', async () => {
    const page = await open(REQUESTS)
    await press(page, '#requests', 'As a table')
    const list = await page.$('#requests details tbody tr:first-child button')
    await list!.focus()
    await page.keyboard.press('Enter')
    const heading = (await textsOf(page, '#requests h3')).at(-1)!
    expect(heading).toMatch(/1 request$/)
  })
})
