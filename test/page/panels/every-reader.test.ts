import { describe, expect, it } from 'vitest'

import type { CaptureRows } from '../../../src/rows.js'
import { chromium } from '../browser.js'
import { openReports, opNames, press, textOf, textsOf } from './reader.js'
import { HOSTILE, SERVICE } from './recordings.js'

describe.skipIf(chromium === undefined)('the report, for every reader,', () => {
  const open = openReports()

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

  it('draws charts anew in the colours that are chosen', async () => {
    const page = await open(SERVICE)
    await page.$eval('#copies .plot', plot => plot.scrollIntoView({ block: 'center' }))
    await page.waitForSelector('#copies .u-over')
    const drawn = () => page.$eval('#copies canvas', canvas => (canvas as HTMLCanvasElement).toDataURL())
    const light = await drawn()
    await press(page, '#theme', 'dark')
    await page.waitForFunction(
      before => document.querySelector<HTMLCanvasElement>('#copies canvas')!.toDataURL() !== before,
      {},
      light,
    )
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
    const pressed = await page.$$eval('button:not(.plain, .timeline-name), input, select, nav, summary', all =>
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
    expect(await opNames(page)).toContain(HOSTILE.replaceAll('/', '\\/'))
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
    else expect(await opNames(page)).toEqual([rows.spans[0]!.name])
  })
})
