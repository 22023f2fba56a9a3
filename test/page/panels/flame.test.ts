import type { Page } from 'puppeteer-core'
import { describe, expect, it } from 'vitest'

import { chromium } from '../browser.js'
import { openReports, press, textOf, textsOf } from './reader.js'
import { nested, SERVICE } from './recordings.js'

describe.skipIf(chromium === undefined)('the flame graph', () => {
  const open = openReports()

  const frames = (page: Page) =>
    page.$$eval('#flame g.frame', all => all.map(one => one.getAttribute('aria-label')!.split(':')[0]))
  async function see(page: Page): Promise<void> {
    await page.$eval('#flame', section => section.scrollIntoView())
    await page.waitForSelector('#flame g.frame')
    // Frames grow to their width; until then a click goes past them.
    await page.waitForFunction(() => {
      const [whole, host] = ['#flame g.frame rect', '#flame .flame-host'].map(at => document.querySelector(at)!)
      return whole!.getBoundingClientRect().width > host!.clientWidth - 2
    })
  }

  it('is of host time and of GPU time, down to kernels', async () => {
    const page = await open(SERVICE)
    await see(page)
    expect(await textOf(page, '#flame .flame-summary')).toMatch(
      /^49\.5 ms of host time in the whole recording: predict 69\.7%, postprocess 30\.3%\.$/,
    )
    await press(page, '#flame', 'GPU time')
    // 50 times 26 + 500 + 4 + 20 µs.
    expect(await textOf(page, '#flame .flame-summary')).toBe(
      '27.5 ms of GPU time in the whole recording: predict 100.0%.',
    )
    expect(await frames(page)).toContain('void gemm<float, 128>(float const*, float const*, float*, int)')
  })

  it('is walked and zoomed by keyboard, and tells where it is', async () => {
    const page = await open(SERVICE)
    await see(page)
    await page.$eval('#flame g[tabindex="0"]', frame => (frame as SVGGElement).focus())
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowRight')
    expect(await textOf(page, '#flame .flame-told')).toMatch(/^postprocess: 15 ms of host time/)
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('Enter')
    expect(await textsOf(page, '#flame .crumbs > *')).toEqual(['all host time', 'predict'])
    expect(await frames(page)).not.toContain('postprocess')
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toMatch(/^predict: /)
    await page.keyboard.press('Escape')
    expect(await frames(page)).toContain('postprocess')
  })

  it('keeps the focus where a zoom replaces the frame that had it', async () => {
    const page = await open(SERVICE)
    await see(page)
    await page.$eval('#flame g[tabindex="0"]', frame => (frame as SVGGElement).focus())
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label')?.replace(/: .*/, ''))
    for (const key of ['ArrowDown', 'ArrowDown', 'Enter'] as const) await page.keyboard.press(key)
    const inner = await focused()
    expect(await textsOf(page, '#flame .crumbs > *')).toEqual(['all host time', 'predict', inner])
    // Once more goes to what it is in.
    await page.keyboard.press('Escape')
    expect(await focused()).toBe('predict')
    await page.keyboard.press('Escape')
    expect(await focused()).toBe('all host time')
  })

  it('zooms to what is clicked, and back by the names around it', async () => {
    const page = await open(SERVICE)
    await see(page)
    const fetch = (await page.$$('#flame g.frame')).at((await frames(page)).indexOf('fetch'))!
    await fetch.click()
    expect(await textsOf(page, '#flame .crumbs > *')).toEqual(['all host time', 'predict', 'fetch'])
    await press(page, '#flame .crumbs', 'all host time')
    expect(await frames(page)).toContain('postprocess')
  })

  it('shows what is searched for, and its share', async () => {
    const page = await open(SERVICE)
    await see(page)
    await page.type('#timeline input', 'postp')
    await page.waitForFunction(() => document.querySelector('#flame [fill="var(--highlight)"]') !== null)
    expect(await textOf(page, '#flame .flame + p, #flame .flame > p:last-child')).toContain(
      '“postp” is in 1 frame, 30.3% of all',
    )
  })

  it('of 5,000 levels draws fifty, says so, and goes on from the last', async () => {
    const page = await open(nested(5000))
    await see(page)
    expect((await frames(page)).length).toBe(51)
    expect(await textOf(page, '#flame .flame > p:last-child')).toContain(
      '1 frame at the last of 50 levels have more inside',
    )
    await (await page.$$('#flame g.frame')).at(-1)!.click()
    expect((await frames(page)).at(-1)).toBe('level 99')
    expect(await textsOf(page, '#flame .crumbs > *')).toEqual([
      'all host time',
      'level 45',
      'level 46',
      'level 47',
      'level 48',
      'level 49',
    ])
  })

  it('of 20,000 frames draws those that can be seen, and says how many are not', async () => {
    const page = await open({
      spans: Array.from({ length: 20_000 }, (_, i) => ({
        thread: 'main',
        name: `op ${i}`,
        startNs: i * 10,
        endNs: i * 10 + 9,
      })),
    })
    await see(page)
    expect((await frames(page)).length).toBeLessThanOrEqual(1500)
    expect(await textOf(page, '#flame .flame > p:last-child')).toContain('20,000 narrower than 1 pixel left out')
  })
})
