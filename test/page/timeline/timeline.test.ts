// The timeline as users meet it: they look, point, drag, type, listen.
import type { Browser, Page } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { chromium, launchBrowser, type OpenPage, openPage, type PageOptions } from '../browser.js'
import { bundledPage } from '../bundled-page.js'
import type { RecordingSpec } from '../recording-builder.js'

const US = 1e3
/** Two requests on a thread, each with a launch and its kernel; 1 ms in all. */
const SERVER: RecordingSpec = {
  durationNs: 1000 * US,
  threads: [
    {
      name: 'main',
      spans: [100, 500].map((at, i) => ({
        name: `predict ${i}`,
        start: at * US,
        end: (at + 200) * US,
        failed: i === 1,
        children: [
          {
            name: 'matmul',
            start: (at + 20) * US,
            end: (at + 120) * US,
            launches: [
              {
                name: 'cudaLaunchKernel',
                start: (at + 40) * US,
                end: (at + 50) * US,
                work: [{ name: 'sgemm', start: (at + 150) * US, end: (at + 250) * US }],
              },
            ],
          },
        ],
      })),
    },
  ],
}

describe.skipIf(chromium === undefined)('the timeline', () => {
  let browser: Browser
  let url: string
  beforeAll(async () => {
    browser = await launchBrowser()
    url = await bundledPage('timeline-page.ts', '<section id="timeline"></section>')
  })
  afterAll(() => browser?.close())

  async function open(spec: RecordingSpec = SERVER, options?: PageOptions): Promise<OpenPage> {
    const opened = await openPage(browser, url, options)
    await opened.page.evaluate(recording => timelinePage.show(recording), spec)
    await frames(opened.page)
    return opened
  }
  /** Until what was asked for is drawn. */
  const frames = (page: Page) =>
    page.evaluate(() => new Promise<void>(done => requestAnimationFrame(() => requestAnimationFrame(() => done()))))
  const state = (page: Page) => page.evaluate(() => window.state.fields)
  const textOf = (page: Page, selector: string) => page.$eval(selector, element => element.textContent)
  const namesOf = (page: Page) =>
    page.$$eval('.timeline-name', names =>
      names
        .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
        .map(({ textContent }) => textContent),
    )
  /** Where a moment of a track's row is on the screen: its name tells the height, what is visible the rest. */
  async function pointOf(page: Page, track: string, row: number, atNs: number): Promise<{ x: number; y: number }> {
    return page.evaluate(
      (track, row, atNs) => {
        const name = [...document.querySelectorAll('.timeline-name')].find(({ textContent }) => textContent === track)!
        const plot = document.querySelector('.timeline-overlay')!.getBoundingClientRect()
        const { startNs, endNs } = window.state.fields.visible
        const share = (atNs - startNs) / (endNs - startNs)
        return { x: plot.left + share * plot.width, y: name.getBoundingClientRect().top + 4 + row * 18 + 9 }
      },
      track,
      row,
      atNs,
    )
  }
  async function clickAt(page: Page, track: string, row: number, atNs: number): Promise<void> {
    const { x, y } = await pointOf(page, track, row, atNs)
    await page.mouse.click(x, y)
    await frames(page)
  }
  async function drag(page: Page, from: { x: number; y: number }, dx: number, dy = 0): Promise<void> {
    await page.mouse.move(from.x, from.y)
    await page.mouse.down()
    await page.mouse.move(from.x + dx / 2, from.y + dy / 2)
    await page.mouse.move(from.x + dx, from.y + dy)
    await page.mouse.up()
    await frames(page)
  }
  async function wheel(page: Page, by: { deltaX?: number; deltaY?: number }, key?: 'Control' | 'Shift'): Promise<void> {
    if (key !== undefined) await page.keyboard.down(key)
    await page.mouse.wheel(by)
    if (key !== undefined) await page.keyboard.up(key)
    await page.waitForFunction(() => true)
    await frames(page)
  }
  /** Colours of the pixels that a canvas has in a box of the screen: r g b a of each, joined. */
  const pixelsIn = (page: Page, canvas: string, box: { x: number; y: number; width: number; height: number }) =>
    page.$eval(
      canvas,
      (element, { x, y, width, height }) => {
        const own = element.getBoundingClientRect()
        const context = (element as HTMLCanvasElement).getContext('2d')!
        const { data } = context.getImageData(Math.round(x - own.left), Math.round(y - own.top), width, height)
        return Array.from({ length: data.length / 4 }, (_, i) => data.slice(4 * i, 4 * i + 4).join(' '))
      },
      box,
    )

  it('shows a row of names for what was recorded, in the order of threads and GPUs', async () => {
    const { page, problems } = await open()
    expect(await namesOf(page)).toEqual(['main', 'main · launches', 'stream 7'])
    expect(await page.$$eval('.timeline-heading', all => all.map(({ textContent }) => textContent))).toEqual([
      'server.mjs 4242',
      'GPU 0',
    ])
    expect(problems).toEqual([])
  })

  it('zooms at the pointer with ctrl and the wheel, and leaves the wheel alone to the page', async () => {
    const { page } = await open()
    const point = await pointOf(page, 'main', 0, 250 * US)
    await page.mouse.move(point.x, point.y)
    await wheel(page, { deltaY: -300 }, 'Control')
    const { visible } = await state(page)
    expect(visible.endNs - visible.startNs).toBeCloseTo(1000 * US * Math.exp(-300 * 0.0025), 0)
    expect((await pointOf(page, 'main', 0, 250 * US)).x).toBeCloseTo(point.x, 3)
    await wheel(page, { deltaY: 120 })
    expect((await state(page)).visible).toEqual(visible)
  })

  it('pans by dragging, and by the wheel with shift', async () => {
    const { page } = await open()
    await page.evaluate(() => window.state.change({ visible: { startNs: 400_000, endNs: 600_000 } }))
    const grabbed = await pointOf(page, 'main', 1, 500 * US)
    await drag(page, grabbed, 60)
    expect((await pointOf(page, 'main', 1, 500 * US)).x).toBeCloseTo(grabbed.x + 60, 3)
    expect((await state(page)).selected).toBeUndefined()
    await wheel(page, { deltaY: 90 }, 'Shift')
    expect((await pointOf(page, 'main', 1, 500 * US)).x).toBeCloseTo(grabbed.x - 30, 3)
  })

  it('selects a range of whole nanoseconds by dragging with shift, and gives it back with escape', async () => {
    const { page } = await open()
    const from = await pointOf(page, 'main', 0, 300 * US)
    const to = await pointOf(page, 'main', 0, 400 * US)
    await page.keyboard.down('Shift')
    await drag(page, from, to.x - from.x)
    await page.keyboard.up('Shift')
    const { range, visible } = await state(page)
    const nsPerPx = (1000 * US) / (await page.$eval('.timeline-overlay', ({ clientWidth }) => clientWidth))
    expect(Math.abs(range!.startNs - 300 * US)).toBeLessThan(nsPerPx)
    expect(Math.abs(range!.endNs - 400 * US)).toBeLessThan(nsPerPx)
    expect([range!.startNs % 1, range!.endNs % 1]).toEqual([0, 0])
    expect(visible).toEqual({ startNs: 0, endNs: 1000 * US })
    await page.focus('.timeline-overlay')
    await page.keyboard.press('Escape')
    expect((await state(page)).range).toBeUndefined()
  })

  it('joins a kernel to its launch, and a span to all that was launched inside of it', async () => {
    const { page } = await open()
    await clickAt(page, 'stream 7', 0, 700 * US)
    expect((await state(page)).selected).toEqual({ kind: 'gpu', row: 1 })
    expect(await textOf(page, '.timeline-hint')).toBe('sgemm · 100 µs, from 650 µs')
    // The curve goes down from the launch at 540 µs to the kernel at 650 µs, through the gap between the two tracks.
    const launch = await pointOf(page, 'main · launches', 0, 540 * US)
    const kernel = await pointOf(page, 'stream 7', 0, 650 * US)
    const between = { x: launch.x, y: launch.y + 16, width: Math.round(kernel.x - launch.x), height: 4 }
    const curve = async () =>
      (await pixelsIn(page, '.timeline-overlay', between)).filter(pixel => !pixel.endsWith(' 0')).length
    expect(await curve()).toBeGreaterThan(0)
    await clickAt(page, 'main', 0, 50 * US)
    expect((await state(page)).selected).toBeUndefined()
    expect(await curve()).toBe(0)
    await clickAt(page, 'main', 0, 690 * US)
    expect(await textOf(page, '.timeline-hint')).toBe('predict 1 · 200 µs, from 500 µs, launched 1 GPU activity')
    expect(await curve()).toBeGreaterThan(0)
    await clickAt(page, 'main · launches', 0, 545 * US)
    expect(await textOf(page, '.timeline-hint')).toBe('cudaLaunchKernel · 10 µs, from 540 µs, launched 1 GPU activity')
  })

  it('finds names in all tracks, steps through them by time, and says which it is at', async () => {
    const { page } = await open()
    await page.focus('.timeline-overlay')
    await page.keyboard.press('/')
    await page.keyboard.type('MAT')
    await frames(page)
    expect([(await state(page)).search, await textOf(page, '.timeline-matches')]).toEqual(['MAT', '2 matches'])
    await page.keyboard.press('Enter')
    expect(await textOf(page, '.timeline-matches')).toBe('1 of 2')
    expect(await textOf(page, '.timeline-live')).toContain('matmul, 100 µs, from 120 µs')
    await page.keyboard.press('Enter')
    expect(await textOf(page, '.timeline-live')).toContain('matmul, 100 µs, from 520 µs')
    await page.keyboard.press('Enter')
    expect(await textOf(page, '.timeline-matches')).toBe('1 of 2')
    await page.focus('.timeline-overlay')
    await page.keyboard.type('N')
    expect(await textOf(page, '.timeline-matches')).toBe('2 of 2')
    await page.evaluate(() => window.state.change({ search: 'no such name' }))
    expect(await textOf(page, '.timeline-matches')).toBe('no match')
    expect(await page.$eval('.timeline-bar input', input => (input as HTMLInputElement).value)).toBe('no such name')
  })

  it('fades what a search does not match', async () => {
    const { page } = await open()
    const at = await pointOf(page, 'main', 0, 290 * US)
    const pixel = async () => (await pixelsIn(page, '.timeline-tracks', { ...at, width: 1, height: 1 }))[0]!
    const before = await pixel()
    await page.evaluate(() => window.state.change({ search: 'predict' }))
    await frames(page)
    expect(await pixel()).toBe(before)
    await page.evaluate(() => window.state.change({ search: 'matmul' }))
    await frames(page)
    const [strong, faded] = [before, await pixel()].map(text => Math.min(...text.split(' ').map(Number)))
    expect(faded! - strong!).toBeGreaterThan(30)
  })

  it('goes from event to event by arrow keys, and tells each in words', async () => {
    const { page } = await open()
    await page.focus('.timeline-overlay')
    const told = async (key: string) => {
      await page.keyboard.press(key as 'ArrowDown')
      return textOf(page, '.timeline-live')
    }
    await page.keyboard.press('ArrowRight')
    expect(await told('Home')).toBe('predict 0, 200 µs, from 100 µs, main, row 1')
    expect(await told('ArrowDown')).toBe('matmul, 100 µs, from 120 µs, main, row 2')
    expect(await told('ArrowDown')).toBe('cudaLaunchKernel, 10 µs, from 140 µs, main · launches')
    expect(await told('ArrowRight')).toBe('cudaLaunchKernel, 10 µs, from 540 µs, main · launches')
    expect(await told('ArrowDown')).toBe('sgemm, 100 µs, from 650 µs, stream 7')
    expect(await told('ArrowDown')).toBe('sgemm, 100 µs, from 650 µs, stream 7')
    await page.keyboard.press('Enter')
    expect((await state(page)).selected).toEqual({ kind: 'gpu', row: 1 })
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('ArrowUp')
    expect(await told('ArrowUp')).toBe('predict 1, 200 µs, from 500 µs, main, row 1, failed')
    await page.keyboard.press('r')
    expect((await state(page)).range).toEqual({ startNs: 500 * US, endNs: 700 * US })
    await page.keyboard.press('f')
    const { visible } = await state(page)
    expect(visible.startNs).toBeCloseTo(500 * US - (200 * US * (1 / 0.6 - 1)) / 2, 3)
    await page.keyboard.press('0')
    expect((await state(page)).visible).toEqual({ startNs: 0, endNs: 1000 * US })
  })

  it('folds a track to a small picture of itself by its name, which says so', async () => {
    const { page } = await open()
    const main = (await page.$('.timeline-name'))!
    const expanded = () => main.evaluate(element => element.getAttribute('aria-expanded'))
    const before = (await pointOf(page, 'stream 7', 0, 0)).y
    expect(await expanded()).toBe('true')
    await main.click()
    await frames(page)
    expect(await expanded()).toBe('false')
    // Two rows of 18 became room for the name.
    expect((await pointOf(page, 'stream 7', 0, 0)).y).toBe(before - 18)
    const folded = await pointOf(page, 'main', 0, 290 * US)
    const column = await pixelsIn(page, '.timeline-tracks', { x: folded.x, y: folded.y - 9, width: 1, height: 8 })
    expect(new Set(column).size).toBeGreaterThan(1)
  })

  it('leaves a hairline of a nanosecond in two days', async () => {
    const day = 86_400e9
    const { page } = await open({
      durationNs: 2 * day,
      threads: [{ name: 'main', spans: [{ name: 'blink', start: day, end: day + 1 }] }],
    })
    const at = await pointOf(page, 'main', 0, day)
    const colours = await pixelsIn(page, '.timeline-tracks', { x: at.x - 3, y: at.y, width: 7, height: 1 })
    expect(colours.filter(colour => colour !== colours[0]).length).toBe(1)
    await page.mouse.move(at.x + 2, at.y)
    await frames(page)
    expect(await textOf(page, '.timeline-tip')).toContain('blink1 ns, from 86,400,000.000 ms')
    // Nearer and nearer, up to ten pixels for the nanosecond.
    await clickAt(page, 'main', 0, day)
    await page.keyboard.press('f')
    await frames(page)
    const { visible } = await state(page)
    expect(visible.endNs - visible.startNs).toBeCloseTo(100, 4)
    expect(Math.abs((visible.startNs + visible.endNs) / 2 - day)).toBeLessThan(1)
  })

  it('shows names as text, whatever is in them', async () => {
    const name = '<img src=x onerror="document.title = 1">'
    const { page, problems } = await open({
      durationNs: 1000,
      processes: [{ name, host: name, id: 1 }],
      threads: [{ name, spans: [{ name, start: 0, end: 1000, attributes: { [name]: name } }] }],
    })
    await page.mouse.move(900, 200)
    await clickAt(page, name.replaceAll('\\', '\\\\'), 0, 500)
    expect(await textOf(page, '.timeline-hint')).toContain(name)
    expect(await page.$$('img')).toEqual([])
    expect([await page.title(), problems]).toEqual(['page', []])
  })

  it('says that nothing was recorded', async () => {
    const { page, problems } = await open({ durationNs: 0, threads: [] })
    expect(await textOf(page, '.timeline-hint')).toBe('Nothing was recorded.')
    await page.focus('.timeline-overlay')
    for (const key of ['ArrowDown', 'f', 'n', 'w', 'd', '0'] as const) await page.keyboard.press(key)
    expect(problems).toEqual([])
  })
})
