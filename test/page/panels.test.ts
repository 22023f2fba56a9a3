// The report as its readers use it: they look, click, type and go by keyboard.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, Page } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'

import { buildCapture, type CaptureRows } from '../../src/rows.js'
import { gpuServiceRows } from '../fixtures/gpu-rows.js'
import { chromium, launchBrowser, openPage, type PageOptions } from './browser.js'

const MS = 1e6
const SERVICE: CaptureRows = { ...gpuServiceRows(), originEpochNs: 1_763_780_000_000_000_000n }

/** 100 requests: number i takes i + 1 ms, the first tenth in the queue, the rest in the model. */
const REQUESTS: CaptureRows = {
  spans: Array.from({ length: 100 }, (_, i) => {
    const startNs = i * 200 * MS
    const lengthNs = (i + 1) * MS
    const ids = { spanId: (1000 + i).toString(16) }
    const inside = { thread: 'main', category: 'request', isAsync: true } as const
    const parent = (part: number) => ({ spanId: (part * 1000 + 1000 + i).toString(16), parentId: ids.spanId })
    return [
      { ...inside, name: 'HTTP request', startNs, endNs: startNs + lengthNs, ids, attributes: { request_id: `r${i}` } },
      { ...inside, name: 'queue', startNs, endNs: startNs + lengthNs / 10, ids: parent(1) },
      { ...inside, name: 'infer', startNs: startNs + lengthNs / 10, endNs: startNs + lengthNs, ids: parent(2) },
    ]
  }).flat(),
  durationNs: 20_100 * MS,
}

/** Nearly all of it in one inner op, which launches hardly anything. */
const CPU_BOUND: CaptureRows = {
  spans: [
    { thread: 'main', name: 'serve', startNs: 0, endNs: 100 * MS },
    { thread: 'main', name: 'tokenize', startNs: MS, endNs: 99 * MS },
  ],
  launches: [{ thread: 'main', name: 'cudaLaunchKernel', startNs: 2 * MS, endNs: 3 * MS, correlationId: 1 }],
  gpu: [
    {
      kind: 'kernel',
      name: 'embed',
      device: 0,
      context: 1,
      stream: 7,
      startNs: 4 * MS,
      endNs: 5 * MS,
      correlationId: 1,
    },
  ],
}

/** What has ends and a depth that nobody reads. */
function nested(depth: number): CaptureRows {
  return {
    spans: Array.from({ length: depth }, (_, i) => ({
      thread: 'main',
      name: `level ${i}`,
      startNs: i,
      endNs: 3 * depth - i,
    })),
  }
}

const HOSTILE = '</script><img src=x onerror="window.hacked=1"><b>bold</b>'

describe.skipIf(chromium === undefined)('the report', () => {
  const folder = mkdtempSync(join(tmpdir(), 'opscope-panels-'))
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    rmSync(folder, { recursive: true })
  })

  let written = 0
  async function open(rows: CaptureRows, options?: PageOptions): Promise<Page> {
    const path = join(folder, `${written++}.html`)
    await (await buildCapture(rows)).export(path)
    const { page, problems } = await openPage(browser, pathToFileURL(path).href, options)
    await page.waitForSelector('#panels[data-ready]')
    onTestFinished(async () => {
      await page.close()
      expect(problems).toEqual([])
    })
    return page
  }
  const textOf = (page: Page, selector: string) => page.$eval(selector, element => element.textContent)
  const textsOf = (page: Page, selector: string) =>
    page.$$eval(selector, all => all.map(element => element.textContent ?? ''))
  /** Clicks the button, link or summary with this text. */
  async function press(page: Page, within: string, text: string): Promise<void> {
    const found = await page.evaluateHandle(
      (within, text) =>
        [...document.querySelectorAll(`${within} :is(button, a, summary)`)].find(one => one.textContent === text),
      within,
      text,
    )
    const target = found.asElement()
    if (target === null) throw new Error(`Nothing in ${within} says "${text}".`)
    await (target as Awaited<ReturnType<Page['$']>>)!.click()
  }
  const namesOf = (page: Page, section = '#ops') => textsOf(page, `${section} tr[data-index] .name`)
  const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent ?? '')
  const focusedName = (page: Page) =>
    page.evaluate(() => document.activeElement?.querySelector('.name')?.textContent ?? document.activeElement?.tagName)

  describe('at its top', () => {
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

  describe('its op table', () => {
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
      const all = await namesOf(page)
      await page.keyboard.press('ArrowLeft')
      expect(await namesOf(page)).toEqual(['predict', 'postprocess'])
      await page.keyboard.press('ArrowRight')
      expect(await namesOf(page)).toEqual(all)
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
      expect(await namesOf(page)).toEqual(['predict', 'matmul', 'compute'])
      expect(await textsOf(page, '#ops mark')).toEqual(['compute'])
      expect(await textOf(page, '#status')).toBe('1 match')
    })

    it('hides phases when less detail is asked for', async () => {
      const page = await open(SERVICE)
      expect(await namesOf(page)).toContain('compute')
      await press(page, '#ops', 'Default')
      expect(await namesOf(page)).not.toContain('compute')
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
      expect((await namesOf(page)).length).toBeLessThan(200)
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

  describe('a range', () => {
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
      expect(await textOf(page, '#range-chip')).toMatch(/^Range of 5\.?\d* ms from /)
      await press(page, '#range-chip', 'Whole recording')
      expect(await page.$eval('#range-chip', chip => (chip as HTMLElement).hidden)).toBe(true)
    })
  })

  describe('what is selected', () => {
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

  describe('a GPU gap', () => {
    it('leads to its place on the timeline', async () => {
      const page = await open(SERVICE)
      const [, longest] = await textsOf(page, '#gaps tbody tr:first-child td')
      await press(page, '#gaps', 'Timeline')
      expect(await page.$eval('#timeline-panel', panel => Math.abs(panel.getBoundingClientRect().top) < 100)).toBe(true)
      expect(await page.$eval('#timeline', timeline => timeline.contains(document.activeElement))).toBe(true)
      expect(longest).toBe('430 µs')
    })

    it('is told by cause, and all of them add up', async () => {
      const page = await open(SERVICE)
      const causes = await textsOf(page, '#gaps .legend li')
      expect(causes.length).toBeGreaterThan(0)
      const shares = causes.map(text => Number(/\(([\d.]+)%\)/.exec(text)![1]))
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(100, 0)
    })
  })

  describe('copies', () => {
    it('are drawn by size, and told with the rate of each size', async () => {
      const page = await open(SERVICE)
      expect(await textsOf(page, '#copies figcaption')).toEqual([
        'Copies 100 times; most often 128 KiB to 256 KiB, device → pinned.',
        'Bytes 18.8 MiB; 66.7% in copies of 256 KiB to 512 KiB, pageable → device.',
      ])
      await press(page, '#copies', 'As a table, with rates')
      expect(await textsOf(page, '#copies details tbody tr')).toEqual([
        // 128 KiB in 20 µs, 256 KiB in 26 µs; 50 of each.
        '128 KiB to 256 KiBdevice → pinned506.25 MiB1 ms6.55 GB/s',
        '256 KiB to 512 KiBpageable → device5012.5 MiB1.30 ms10.08 GB/s',
      ])
      await page.waitForSelector('#copies .u-over')
    })
  })

  describe('the flame graph', () => {
    const frames = (page: Page) =>
      page.$$eval('#flame g.frame', all => all.map(one => one.getAttribute('aria-label')!.split(':')[0]))
    async function see(page: Page): Promise<void> {
      await page.$eval('#flame', section => section.scrollIntoView())
      await page.waitForSelector('#flame g.frame')
    }

    it('is of host time and of GPU time, down to kernels', async () => {
      const page = await open(SERVICE)
      await see(page)
      expect(await textOf(page, '#flame .tools + .note')).toMatch(
        /^49\.5 ms of host time: predict 69\.7%, postprocess 30\.3%\.$/,
      )
      await press(page, '#flame', 'GPU time')
      // 50 times 26 + 500 + 4 + 20 µs.
      expect(await textOf(page, '#flame .tools + .note')).toBe('27.5 ms of GPU time: predict 100.0%.')
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
      expect(await focused(page)).toContain('predict')
      await page.keyboard.press('Escape')
      expect(await frames(page)).toContain('postprocess')
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

  describe('requests', () => {
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

    it('of a bar that is clicked are listed, each with its stages and a way to the timeline', async () => {
      const page = await open(REQUESTS)
      await page.$eval('#requests .plot', plot => plot.scrollIntoView({ block: 'center' }))
      await page.waitForSelector('#requests .u-over')
      const box = await (await page.$('#requests .u-over'))!.boundingBox()
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

  describe('for every reader', () => {
    it('has headings in their order, one of the first level, and names for all that can be pressed', async () => {
      const page = await open(SERVICE)
      const levels = await page.$$eval('h1, h2, h3, h4', all =>
        all.filter(one => (one as HTMLElement).offsetParent !== null).map(one => Number(one.tagName.slice(1))),
      )
      expect(levels.filter(level => level === 1)).toEqual([1])
      expect(levels.every((level, at) => level <= (levels[at - 1] ?? 0) + 1)).toBe(true)
      const nameless: string[] = []
      const visit = (node: { role: string; name?: string; children?: unknown[] }): void => {
        const isPressed = ['button', 'link', 'searchbox', 'textbox', 'combobox', 'treegrid', 'table', 'tree'].includes(
          node.role,
        )
        if (isPressed && (node.name ?? '') === '') nameless.push(node.role)
        for (const child of node.children ?? []) visit(child as typeof node)
      }
      visit((await page.accessibility.snapshot({ interestingOnly: false }))!)
      expect(nameless).toEqual([])
    })

    it('is left by the Tab key at its end, with every section met on the way and the focus seen at each stop', async () => {
      const page = await open(SERVICE)
      const met = new Set<string>()
      const unseen: string[] = []
      for (let stop = 0; stop < 300; stop++) {
        await page.keyboard.press('Tab')
        const at = await page.evaluate(() => {
          const one = document.activeElement!
          if (one === document.body) return undefined
          const style = getComputedStyle(one)
          const stroke =
            one.querySelector('rect') === null ? '' : getComputedStyle(one.querySelector('rect')!).strokeWidth
          const isSeen = style.outlineStyle !== 'none' || style.boxShadow !== 'none' || stroke === '2px'
          const section = one.closest('section, nav, header, a.skip')
          return {
            section: section?.id || section?.className || section?.tagName || '',
            isSeen,
            what: one.outerHTML.slice(0, 80),
          }
        })
        if (at === undefined) break
        if (!at.isSeen) unseen.push(at.what)
        met.add(at.section)
        if (stop === 299) throw new Error(`The Tab key does not leave ${at.section}.`)
      }
      expect([...met]).toEqual(
        expect.arrayContaining(['skip', 'bar', 'findings', 'timeline', 'ops', 'gaps', 'kernels', 'copies']),
      )
      expect(unseen).toEqual([])
    })

    it('is light or dark as the system is, until one is chosen', async () => {
      const page = await open(SERVICE, { scheme: 'dark' })
      const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
      const dark = await ground()
      await press(page, '#theme', 'light')
      expect(await ground()).toBe('rgb(255, 255, 255)')
      await press(page, '#theme', 'dark')
      expect(await ground()).toBe(dark)
      expect(dark).not.toBe('rgb(255, 255, 255)')
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }])
      expect(await ground()).toBe(dark)
      await press(page, '#theme', 'auto')
      expect(await ground()).toBe('rgb(255, 255, 255)')
    })

    it('prints in light colours, without controls, with rows that the screen had scrolled away', async () => {
      const rows: CaptureRows = {
        spans: Array.from({ length: 500 }, (_, i) => ({
          thread: 'main',
          name: `op ${i}`,
          startNs: i * 10,
          endNs: i * 10 + 5,
        })),
      }
      const page = await open(rows, { scheme: 'dark' })
      await page.emulateMediaType('print')
      await page.waitForFunction(() => document.querySelectorAll('#ops tr[data-index]').length === 500)
      expect(await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)).toBe(
        'rgb(255, 255, 255)',
      )
      const pressed = await page.$$eval('button:not(.plain), input, select, nav', all =>
        all.filter(one => (one as HTMLElement).offsetParent !== null).map(one => one.outerHTML),
      )
      expect(pressed).toEqual([])
    })

    it('shows names as they are, whatever they say, and runs nothing of them', async () => {
      const page = await open({
        threads: [{ name: HOSTILE }],
        spans: [
          { thread: HOSTILE, name: HOSTILE, startNs: 0, endNs: 900, attributes: { [HOSTILE]: HOSTILE } },
          {
            thread: HOSTILE,
            name: HOSTILE,
            category: 'request',
            isAsync: true,
            startNs: 0,
            endNs: 950,
            ids: { spanId: '1' },
            attributes: { model: HOSTILE },
          },
        ],
        launches: [{ thread: HOSTILE, name: HOSTILE, startNs: 10, endNs: 20, correlationId: 1 }],
        gpu: [
          { kind: 'kernel', name: HOSTILE, device: 0, context: 1, stream: 1, startNs: 30, endNs: 90, correlationId: 1 },
        ],
        attributes: { [HOSTILE]: HOSTILE },
        durationNs: 1000,
      })
      await page.$eval('#flame', section => section.scrollIntoView())
      await page.waitForSelector('#flame g.frame')
      await press(page, '#requests', 'Timeline')
      expect(await page.evaluate(() => (window as { hacked?: number }).hacked)).toBeUndefined()
      expect(await page.$$eval('img, b, iframe, object', all => all.length)).toBe(0)
      // A / in a name is written so that it does not look like a path.
      expect(await namesOf(page)).toContain(HOSTILE.replaceAll('/', '\\/'))
      expect(await textsOf(page, '#kernels code')).toEqual([HOSTILE])
      expect(await textsOf(page, '#details dd')).toContain(HOSTILE)
    })

    it.each<[string, CaptureRows]>([
      ['nothing', {}],
      ['one span', { spans: [{ thread: 'main', name: 'only', startNs: 0, endNs: 0 }], durationNs: 0 }],
      ['a nanosecond', { spans: [{ thread: 'main', name: 'short', startNs: 0, endNs: 1 }], durationNs: 1 }],
      ['a hundred hours', { spans: [{ thread: 'main', name: 'long', startNs: 0, endNs: 36e13 }], durationNs: 36e13 }],
    ])('opens a recording of %s', async (_what, rows) => {
      const page = await open(rows)
      await page.$eval('#ops', section => section.scrollIntoView())
      expect(await page.$eval('#ops', section => (section as HTMLElement).hidden)).toBe(false)
      if (rows.spans === undefined) expect(await textOf(page, '#ops p')).toMatch(/^No ops were recorded\./)
      else expect(await namesOf(page)).toEqual([rows.spans[0]!.name])
    })
  })
})
