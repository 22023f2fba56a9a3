// The timeline as users meet it: they look, point, drag, type, listen.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
  let folder: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'opscope-timeline-'))
    browser = await launchBrowser()
    url = await bundledPage(folder, 'timeline-page.ts', '<section id="timeline"></section>')
  })
  afterAll(async () => {
    await browser?.close()
    rmSync(folder, { recursive: true })
  })

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
    const grabbed = await pointOf(page, 'main', 1, 550 * US)
    await drag(page, grabbed, 60)
    expect((await pointOf(page, 'main', 1, 550 * US)).x).toBeCloseTo(grabbed.x + 60, 3)
    // There and back is no click.
    await page.mouse.move(grabbed.x, grabbed.y)
    await page.mouse.down()
    for (const dx of [20, 40, 2]) await page.mouse.move(grabbed.x + dx, grabbed.y)
    await page.mouse.up()
    await frames(page)
    expect((await pointOf(page, 'main', 1, 550 * US)).x).toBeCloseTo(grabbed.x + 62, 3)
    await drag(page, grabbed, -2 - 20)
    await drag(page, grabbed, 20)
    expect((await state(page)).selected).toBeUndefined()
    await wheel(page, { deltaY: 90 }, 'Shift')
    expect((await pointOf(page, 'main', 1, 550 * US)).x).toBeCloseTo(grabbed.x - 30, 3)
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
    expect(await textOf(page, '.timeline-hint')).toBe('predict 1 · 200 µs, from 500 µs, launched 1 GPU event')
    expect(await curve()).toBeGreaterThan(0)
    await clickAt(page, 'main · launches', 0, 545 * US)
    expect(await textOf(page, '.timeline-hint')).toBe('cudaLaunchKernel · 10 µs, from 540 µs, launched 1 GPU event')
  })

  it('finds names in all tracks, steps through them by time, and says which it is at', async () => {
    const { page } = await open()
    await page.focus('.timeline-overlay')
    await page.keyboard.press('/')
    await page.keyboard.type('MAT')
    await frames(page)
    expect([(await state(page)).search, await textOf(page, '.timeline-matches')]).toEqual(['MAT', '2 found'])
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
    expect(await textOf(page, '.timeline-matches')).toBe('none found')
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

  it('shows a match in every pixel that has one, whatever else is in it', async () => {
    const spans = Array.from({ length: 5000 }, (_, i) => ({
      name: i === 2500 ? 'needle' : 'hay',
      start: 100 * i,
      end: 100 * i + 99,
    }))
    spans[2500]!.end = spans[2500]!.start + 1
    const { page } = await open({ durationNs: 500_000, threads: [{ name: 'main', spans }] })
    await page.evaluate(() => window.state.change({ search: 'needle' }))
    await frames(page)
    const { x, y } = await pointOf(page, 'main', 0, 250_000)
    const colours = await pixelsIn(page, '.timeline-tracks', { x: x - 10, y, width: 20, height: 1 })
    const reds = colours.map(colour => Number(colour.split(' ')[0]))
    // Seen among the faded, not just a little fainter for the time that it lacks.
    expect(reds.filter(red => red < reds[0]! - 30)).toHaveLength(1)
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

  it('selects a range by dragging on the axis, moves the window by dragging in the overview', async () => {
    const { page } = await open()
    const head = (await (await page.$('.timeline-head canvas'))!.boundingBox())!
    const nsPerPx = (1000 * US) / head.width
    await drag(page, { x: head.x + 100, y: head.y + 55 }, 200)
    const { range } = await state(page)
    expect(Math.abs(range!.startNs - 100 * nsPerPx)).toBeLessThan(nsPerPx)
    expect(Math.abs(range!.endNs - 300 * nsPerPx)).toBeLessThan(nsPerPx)
    await page.evaluate(() => window.state.change({ visible: { startNs: 0, endNs: 100_000 } }))
    // Into the middle of the window, which is the first tenth, then by a fifth of the whole.
    await drag(page, { x: head.x + 0.05 * head.width, y: head.y + 20 }, 0.2 * head.width)
    const { visible } = await state(page)
    expect(visible.startNs).toBeCloseTo(200 * US, -2)
    expect(visible.endNs - visible.startNs).toBeCloseTo(100 * US, 3)
    // Beside the window: it goes there.
    await page.mouse.click(head.x + 0.8 * head.width, head.y + 20)
    expect((await state(page)).visible.startNs).toBeCloseTo(750 * US, -3)
  })

  it('zooms to an event by a double click, and out by its button', async () => {
    const { page } = await open()
    const { x, y } = await pointOf(page, 'stream 7', 0, 300 * US)
    await page.mouse.click(x, y, { count: 2 })
    await frames(page)
    const { visible } = await state(page)
    expect([visible.startNs, visible.endNs].map(ns => Math.round(ns / US))).toEqual([217, 383])
    await page.click('button[aria-label^="The whole recording"]')
    expect((await state(page)).visible).toEqual({ startNs: 0, endNs: 1000 * US })
  })

  it('is panned by a finger and zoomed by two', async () => {
    const { page } = await open()
    await page.evaluate(() => window.state.change({ visible: { startNs: 400_000, endNs: 600_000 } }))
    const at = await pointOf(page, 'main', 0, 500 * US)
    const finger = await page.touchscreen.touchStart(at.x, at.y)
    await finger.move(at.x + 30, at.y)
    await finger.move(at.x + 80, at.y)
    await finger.end()
    await frames(page)
    expect(Math.abs((await pointOf(page, 'main', 0, 500 * US)).x - at.x - 80)).toBeLessThan(12)
    const before = (await state(page)).visible
    const first = await page.touchscreen.touchStart(at.x - 50, at.y)
    const second = await page.touchscreen.touchStart(at.x + 50, at.y)
    await first.move(at.x - 100, at.y)
    await second.move(at.x + 100, at.y)
    await first.end()
    await second.end()
    await frames(page)
    const after = (await state(page)).visible
    expect((before.endNs - before.startNs) / (after.endNs - after.startNs)).toBeCloseTo(2, 1)
    const { selected, range } = await state(page)
    expect([selected, range]).toEqual([undefined, undefined])
  })

  it('shows what the rest of the page selects, wherever it is', async () => {
    const { page } = await open()
    await page.evaluate(() => window.state.change({ visible: { startNs: 0, endNs: 50_000 } }))
    await page.evaluate(() => window.state.change({ selected: { kind: 'gpu', row: 1 } }))
    const { visible } = await state(page)
    expect(visible.startNs).toBeLessThan(650 * US)
    expect(visible.endNs).toBeGreaterThan(650 * US)
    expect(await textOf(page, '.timeline-hint')).toBe('sgemm · 100 µs, from 650 µs')
  })

  it('scrolls to a track that is far below, whose name stays in sight', async () => {
    const { page } = await open({
      durationNs: 1000,
      threads: Array.from({ length: 60 }, (_, i) => ({
        name: `thread ${i}`,
        spans: [{ name: `span ${i}`, start: 0, end: 1000, children: [{ name: 'in', start: 0, end: 1000 }] }],
      })),
    })
    expect(await namesOf(page)).not.toContain('thread 50')
    await page.evaluate(() => window.state.change({ search: 'span 50' }))
    await page.click('button[aria-label^="Next match"]')
    await frames(page)
    expect(await namesOf(page)).toContain('thread 50')
    await page.$eval('.timeline-scroll', scroller => scroller.scrollTo(0, 26 + 44 * 30 + 15))
    await frames(page)
    const { top } = (
      await page.$$eval('.timeline-name', names => {
        const host = document.querySelector('.timeline-names')!.getBoundingClientRect().top
        return names.map(name => ({ text: name.textContent, top: name.getBoundingClientRect().top - host }))
      })
    ).find(({ text }) => text === 'thread 30')!
    expect(top).toBe(0)
    await page.evaluate(() => window.state.change({ search: 'span 2' }))
    await page.evaluate(() => window.state.change({ selected: { kind: 'span', row: 0 } }))
    await frames(page)
    expect(await namesOf(page)).toContain('thread 0')
  })

  it('tells the wall clock when it is known and asked for', async () => {
    const { page } = await open(SERVER)
    expect(await page.$eval('button[aria-label^="Times of the wall"]', button => (button as HTMLElement).hidden)).toBe(
      true,
    )
    await page.evaluate(recording => timelinePage.show(recording, '1700000000000000000'), SERVER)
    const axis = () => page.$eval('.timeline-head canvas', canvas => (canvas as HTMLCanvasElement).toDataURL())
    const before = await axis()
    await page.click('button[aria-label^="Times of the wall"]')
    await frames(page)
    expect(await page.$eval('button[aria-label^="Times of the wall"]', button => button.ariaPressed)).toBe('true')
    expect(await axis()).not.toBe(before)
  })

  it('marks what failed, by a shape at the corner of its block', async () => {
    const { page } = await open()
    const good = await pointOf(page, 'main', 0, 100 * US)
    const bad = await pointOf(page, 'main', 0, 500 * US)
    const corner = async ({ x, y }: { x: number; y: number }) => {
      const box = { x: x + 1, y: y - 8, width: 1, height: 1 }
      return (await pixelsIn(page, '.timeline-tracks', box))[0]
    }
    const inside = async ({ x, y }: { x: number; y: number }) =>
      (await pixelsIn(page, '.timeline-tracks', { x: x + 20, y: y - 8, width: 1, height: 1 }))[0]
    expect(await corner(good)).toBe(await inside(good))
    expect(await corner(bad)).not.toBe(await inside(bad))
  })

  it('tells how many events are in the pixel that is pointed at', async () => {
    const spans = Array.from({ length: 10_000 }, (_, i) => ({
      name: i % 10 === 3 ? 'long' : 'short',
      start: 100 * i,
      end: 100 * i + 9,
    }))
    for (const span of spans) if (span.name === 'long') span.end += 50
    const { page } = await open({ durationNs: 1_000_000, threads: [{ name: 'main', spans }] })
    const { x, y } = await pointOf(page, 'main', 0, 500_000)
    await page.mouse.move(x, y)
    await frames(page)
    // 1,000 µs on 1,090 pixels or so: 9 or 10 spans in each, one of them long in most.
    expect(await textOf(page, '.timeline-tip')).toMatch(/^long59 ns, from .*the longest of (9|10|11) in this pixel$/)
  })

  it('tells beside the pointer what it points at, inside of the timeline, and not while it drags', async () => {
    const { page } = await open()
    const outer = (await (await page.$('.timeline'))!.boundingBox())!
    const tip = async () => (await page.$('.timeline-tip'))!.boundingBox()
    for (const atUs of [150, 690]) {
      const { x, y } = await pointOf(page, 'main', 0, atUs * US)
      await page.mouse.move(x, y)
      const box = (await tip())!
      // To the right and below, or on the other side where there is no room.
      expect(Math.min(Math.abs(box.x - x), Math.abs(box.x + box.width - x))).toBeLessThan(20)
      expect(Math.min(Math.abs(box.y - y), Math.abs(box.y + box.height - y))).toBeLessThan(20)
      expect(box.x + box.width).toBeLessThanOrEqual(outer.x + outer.width)
    }
    expect(await textOf(page, '.timeline-tip')).toBe('predict 1200 µs, from 500 µsmain, row 1failed')
    await page.mouse.down()
    await page.mouse.move(outer.x + 700, outer.y + 150)
    expect(await tip()).toBeNull()
    await page.mouse.up()
  })

  it('shows in the overview when the host and the GPU were busy', async () => {
    const { page } = await open()
    const head = (await (await page.$('.timeline-head canvas'))!.boundingBox())!
    const isBusy = async (atUs: number, y: number) => {
      const colour = async (us: number) =>
        (
          await pixelsIn(page, '.timeline-head canvas', {
            x: head.x + (us / 1000) * head.width,
            y: head.y + y,
            width: 1,
            height: 1,
          })
        )[0]
      return (await colour(atUs)) !== (await colour(50))
    }
    const host = [await isBusy(200, 12), await isBusy(400, 12), await isBusy(600, 12)]
    const gpu = [await isBusy(200, 28), await isBusy(300, 28), await isBusy(700, 28)]
    expect([host, gpu]).toEqual([
      [true, false, true],
      [false, true, true],
    ])
  })

  it('draws marks as diamonds with their names', async () => {
    const marks = [
      { name: 'loaded the model', at: 200 * US },
      { name: 'warm', at: 600 * US },
    ]
    const { page } = await open({ durationNs: 1000 * US, threads: [{ name: 'main', marks }] })
    const { x, y } = await pointOf(page, 'main · marks', 0, 200 * US)
    const widthAt = async (dy: number) => {
      const row = await pixelsIn(page, '.timeline-tracks', { x: x - 8, y: y + dy, width: 16, height: 1 })
      return row.slice(0, 9).filter(pixel => pixel !== row[0]).length
    }
    expect(await widthAt(0)).toBeGreaterThan(await widthAt(-3))
    const name = await pixelsIn(page, '.timeline-tracks', { x: x + 10, y: y - 5, width: 60, height: 10 })
    expect(new Set(name).size).toBeGreaterThan(4)
    await page.mouse.click(x, y)
    await frames(page)
    expect((await state(page)).selected).toEqual({ kind: 'mark', row: 0 })
    expect(await textOf(page, '.timeline-hint')).toBe('loaded the model · mark at 200 µs')
  })

  it('marks how an async span ended on its lane alone', async () => {
    const span = { name: 'load', start: 200 * US, end: 800 * US, returnsAt: 400 * US, failed: true, unfinished: true }
    const { page } = await open({ durationNs: 1000 * US, threads: [{ name: 'main', spans: [span] }] })
    const shades = async (track: string, atNs: number, dx: number, width: number) => {
      const { x, y } = await pointOf(page, track, 0, atNs)
      return new Set(await pixelsIn(page, '.timeline-tracks', { x: x + dx, y: y - 8, width, height: 1 })).size
    }
    expect([await shades('main', 200 * US, 0, 12), await shades('main · async', 200 * US, 0, 12)]).toEqual([1, 3])
    expect(await shades('main', 400 * US, -14, 10)).toBe(1)
    expect(await shades('main · async', 800 * US, -14, 10)).toBeGreaterThan(1)
    await clickAt(page, 'main · async', 0, 500 * US)
    expect(await textOf(page, '.timeline-live')).toBe(
      'Selected load, 600 µs, not finished, from 200 µs, main · async, failed',
    )
    await clickAt(page, 'main', 0, 300 * US)
    expect(await textOf(page, '.timeline-hint')).toBe('load · 600 µs, not finished, from 200 µs')
  })

  it('hatches pauses, and draws counters as steps', async () => {
    const { page } = await open({
      durationNs: 1000,
      pauses: [{ startNs: 400, endNs: 500, process: 0 }],
      threads: [
        {
          name: 'main',
          spans: [{ name: 'x', start: 0, end: 10 }],
          counters: [
            {
              name: 'queue',
              values: [
                [100, 4],
                [600, 8],
                [800, 2],
              ],
            },
          ],
        },
      ],
    })
    const main = await pointOf(page, 'main', 0, 400)
    const shades = async (atNs: number) => {
      const { x } = await pointOf(page, 'main', 0, atNs)
      return new Set(await pixelsIn(page, '.timeline-tracks', { x, y: main.y - 8, width: 16, height: 16 })).size
    }
    expect(await shades(350)).toBe(1)
    expect(await shades(450)).toBeGreaterThan(1)
    // 32 pixels of height for 8: filled up to the value, from the bottom.
    const filled = async (atNs: number) => {
      const { x, y } = await pointOf(page, 'queue', 0, atNs)
      const column = await pixelsIn(page, '.timeline-tracks', { x, y: y - 9, width: 1, height: 32 })
      return column.filter(pixel => pixel !== column[0]).length
    }
    expect(await filled(50)).toBe(0)
    expect(await filled(500)).toBeGreaterThanOrEqual(14)
    expect(await filled(500)).toBeLessThanOrEqual(18)
    expect(await filled(900)).toBeLessThanOrEqual(10)
    await page.mouse.move((await pointOf(page, 'queue', 0, 700)).x, (await pointOf(page, 'queue', 0, 700)).y)
    expect(await textOf(page, '.timeline-tip')).toBe('queue = 8at 600 ns')
  })

  it('draws each device pixel where there are two to one, and follows the width of the window', async () => {
    const { page, problems } = await open(SERVER, { pixelRatio: 2, width: 900 })
    const sizes = () =>
      page.$$eval('.timeline canvas', all => all.map(canvas => canvas.width / canvas.getBoundingClientRect().width))
    expect(await sizes()).toEqual([2, 2, 2])
    await page.setViewport({ width: 1100, height: 700, deviceScaleFactor: 1 })
    await page.waitForFunction(() => document.querySelector('canvas')!.width > 850)
    await frames(page)
    expect(await sizes()).toEqual([1, 1, 1])
    await clickAt(page, 'stream 7', 0, 700 * US)
    expect((await state(page)).selected).toEqual({ kind: 'gpu', row: 1 })
    expect(problems).toEqual([])
  })

  it('is dark where the page is, and follows the switch', async () => {
    const { page } = await open(SERVER, { scheme: 'dark' })
    const empty = await pointOf(page, 'main', 0, 900 * US)
    const lightness = async () =>
      Math.max(
        ...(await pixelsIn(page, '.timeline-tracks', { ...empty, width: 1, height: 1 }))[0]!
          .split(' ')
          .slice(0, 3)
          .map(Number),
      )
    expect(await lightness()).toBeLessThan(60)
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }])
    await frames(page)
    expect(await lightness()).toBeGreaterThan(240)
  })

  it('is light on paper, with the names of its tracks and without what is to be pressed', async () => {
    const { page } = await open(SERVER, { scheme: 'dark' })
    const empty = await pointOf(page, 'main', 0, 900 * US)
    await page.emulateMediaType('print')
    await page.waitForFunction(() => matchMedia('print').matches)
    await frames(page)
    const [pixel] = await pixelsIn(page, '.timeline-tracks', { ...empty, width: 1, height: 1 })
    expect(Math.min(...pixel!.split(' ').map(Number))).toBeGreaterThan(240)
    const isSeen = (selector: string) => page.$eval(selector, element => element.checkVisibility())
    expect([await isSeen('.timeline-name'), await isSeen('.timeline-bar')]).toEqual([true, false])
  })

  it('goes to where keys lead over some frames, or at once for who asked for less motion', async () => {
    const seen = async (reducedMotion: boolean) => {
      const { page } = await open(SERVER, { reducedMotion })
      await page.evaluate(() => {
        Object.assign(window, { ranges: [] })
        window.state.watch(({ visible }) => (window as unknown as { ranges: number[] }).ranges.push(visible.endNs))
      })
      await page.focus('.timeline-overlay')
      await page.keyboard.press('w')
      await page.waitForFunction(() => {
        const { startNs, endNs } = window.state.fields.visible
        return Math.abs(endNs - startNs - 1e6 / 1.5) < 1
      })
      return page.evaluate(() => (window as unknown as { ranges: number[] }).ranges.length)
    }
    expect(await seen(true)).toBe(1)
    expect(await seen(false)).toBeGreaterThan(1)
  })

  it('is on its way no longer when the rest of the page shows something else', async () => {
    const { page } = await open(SERVER, { reducedMotion: false })
    await page.focus('.timeline-overlay')
    const visible = await page.evaluate(async () => {
      const overlay = document.querySelector('.timeline-overlay')!
      overlay.dispatchEvent(new KeyboardEvent('keydown', { key: 'w', bubbles: true }))
      const changed = () => window.state.fields.visible.endNs < 1e6
      while (!changed()) await new Promise(requestAnimationFrame)
      window.state.change({ visible: { startNs: 300_000, endNs: 400_000 } })
      // Longer than any way takes.
      const end = performance.now() + 300
      while (performance.now() < end) await new Promise(requestAnimationFrame)
      return window.state.fields.visible
    })
    expect(visible).toEqual({ startNs: 300_000, endNs: 400_000 })
  })

  it('lists its keys and the mouse, and takes the focus back', async () => {
    const { page } = await open()
    await page.focus('.timeline-overlay')
    await page.keyboard.type('?')
    expect(await page.$eval('.timeline-help', dialog => (dialog as HTMLDialogElement).open)).toBe(true)
    await page.keyboard.press('Escape')
    expect(await page.$eval('.timeline-help', dialog => (dialog as HTMLDialogElement).open)).toBe(false)
    expect(await page.evaluate(() => document.activeElement?.className)).toContain('timeline-overlay')
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
