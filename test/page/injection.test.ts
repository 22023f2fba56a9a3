// Names in a capture come from whoever wrote it. In the page they are text, whatever they say.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, Page } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { printedText } from '../../src/model/names.js'
import { chromium, launchBrowser, openPage } from './browser.js'
import { hostileCapture, type TextOf } from './hostile-capture.js'

const HOSTILE: [what: string, text: string][] = [
  ['ends the script that it is in', '</script><script>window.pwned=1</script>'],
  ['ends the script in capitals, with a space', '</SCRIPT ><script>window.pwned=1</script >'],
  ['opens a comment in the script', '<!--<script>window.pwned=1//'],
  ['ends the title', '</title><script>window.pwned=1</script>'],
  ['ends the style', '</style><script>window.pwned=1</script><style>*{display:none}'],
  ['is an image that fails', '<img src=x onerror="window.pwned=1">'],
  ['ends an attribute', '"\'><svg onload=window.pwned=1>'],
  ['is an address with a script', 'javascript:window.pwned=1'],
  ['is an address with a page', 'data:text/html,<script>window.opener.pwned=1</script>'],
  ['leads away', '<meta http-equiv=refresh content="0;url=http://127.0.0.1:9/"><base href=http://127.0.0.1:9/>'],
  ['loads from elsewhere', '<link rel=stylesheet href=http://127.0.0.1:9/x><iframe src=http://127.0.0.1:9/>'],
  ['is in a style', 'red;background:url(http://127.0.0.1:9/x)'],
  ['is a template', '$\u007bwindow.pwned=1} {{constructor.constructor("window.pwned=1")()}}'],
  ['is entities', '&lt;b&gt;&amp;&#60;script&#62;'],
  ['ends the JSON', '"}]}\\"\\u003cscript>window.pwned=1</script>'],
  ['has line ends of JavaScript', '\u2028window.pwned=1\u2029\n\r\n'],
  ['has halves of characters', '\ud800window.pwned=1\udc00'],
  ['has a NUL and other controls', '\0window.pwned=1\u0001\u001b[31m\u007f\u0085'],
  ['turns the direction around', '\u202ewindow.pwned=1\u2066\u200f'],
  ['is a name that objects have', '__proto__ constructor'],
]

const folder = mkdtempSync(join(tmpdir(), 'opscope-page-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe.runIf(chromium)('a page with a name that', () => {
  let browser: Browser
  let harmless: string[]
  beforeAll(async () => {
    browser = await launchBrowser()
    harmless = (await look(browser, field => `plain ${field}`, [])).elements
    expect(harmless.length).toBeGreaterThan(100)
  })
  afterAll(() => browser.close())

  it.each(HOSTILE)('%s runs nothing, and is shown as it is', async (_, hostile) => {
    const text: TextOf = field => `${hostile} ${field}`
    const { problems, isPwned, elements, shown } = await look(browser, text, [unfold, selectAll, search(text('op'))])
    expect({ problems, isPwned }).toEqual({ problems: [], isPwned: false })
    expect(elements).toEqual(harmless)
    expect(SHOWN.filter(field => !shown.includes(printedText(wellFormed(text(field)))))).toEqual([])
  })
  it('is a MiB long shows it', async () => {
    const long = 'longer '.repeat(2 ** 20 / 7)
    const isLong = ['op', 'thread', 'kernel', 'counter', 'attribute value', 'detail', 'reason']
    const text: TextOf = field => `${isLong.includes(field) ? long : 'plain '}${field}`
    const { problems, elements, shown } = await look(browser, text, [])
    expect(problems).toEqual([])
    expect(elements).toEqual(harmless)
    expect(shown.includes(`${long}op`)).toBe(true)
  }, 120_000)
  it('is that of a property of all objects is one as any other', async () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'length']) {
      const { problems, isPwned } = await look(browser, () => name, [selectAll])
      expect({ name, problems, isPwned }).toEqual({ name, problems: [], isPwned: false })
    }
  })
})

// Of the fields, those that the page shows as text in its tables, or when a span is selected.
const SHOWN = [
  ...['op', 'copy', 'request', 'kernel', 'device', 'reason', 'wait'],
  ...['code', 'detail', 'code of the session', 'detail of the session', 'session key', 'session value'],
  ...['attribute key', 'attribute value', 'thread', 'stream'],
]

/** What a name becomes on its way through UTF-8. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString()
}

interface Look {
  problems: string[]
  isPwned: boolean
  /** Every element, by its tag and the names of its attributes, when the page was just opened. */
  elements: string[]
  /** All text that was shown at some time. */
  shown: string
}

let count = 0
/** Opens the page of the hostile capture and does with it what the steps do. */
async function look(browser: Browser, text: TextOf, steps: ((page: Page) => Promise<void>)[]): Promise<Look> {
  const capture = await hostileCapture(text)
  const path = join(folder, `${count++}.html`)
  await capture.export(path)
  const { page, problems } = await openPage(browser, pathToFileURL(path).href)
  await page.setOfflineMode(true)
  await page.waitForFunction(hasSettled)
  const elements = await page.evaluate(elementsOfPage)
  let shown = await page.evaluate(textOfPage)
  for (const step of steps) {
    await step(page)
    await page.waitForFunction(hasSettled)
    shown += await page.evaluate(textOfPage)
  }
  const isPwned = await page.evaluate(() => 'pwned' in window)
  await page.close()
  return { problems, isPwned, elements, shown }
}

/** The timeline is there, charts have what is in them, and what follows a change has followed. */
async function hasSettled(): Promise<boolean> {
  await new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)))
  const charts = [...document.querySelectorAll('figure > .plot')]
  return document.querySelector('#timeline canvas') !== null && charts.every(chart => chart.childElementCount > 0)
}
function elementsOfPage(): string[] {
  const elements = [...document.querySelectorAll('*')].filter(({ tagName }) => tagName !== 'SCRIPT')
  // What is in sight is marked in the navigation a little later.
  const namesOf = ({ attributes }: Element) =>
    Array.from(attributes, ({ name }) => name).filter(name => name !== 'aria-current')
  return elements.map(element => [element.tagName, ...namesOf(element)].join(' '))
}
function textOfPage(): string {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  let text = ''
  while (walker.nextNode()) {
    const { parentElement, nodeValue } = walker.currentNode
    if (parentElement?.tagName !== 'SCRIPT') text += `${nodeValue}\n`
  }
  // Half a character is none once it leaves the browser.
  return (text as string & { toWellFormed(): string }).toWellFormed()
}

async function unfold(page: Page): Promise<void> {
  await page.evaluate(() => {
    for (const button of document.querySelectorAll('button'))
      if (/^(Unfold|All)/.test(button.textContent)) button.click()
    for (const details of document.querySelectorAll('details')) details.open = true
  })
}
/** Points at the timeline and selects, a line at a time from top to bottom. */
async function selectAll(page: Page): Promise<void> {
  const texts: string[] = []
  await page.evaluate(() => document.querySelector('#timeline')!.scrollIntoView())
  const { x, y, width, height } = (await (await page.$('#timeline'))!.boundingBox())!
  for (let down = 70; down < Math.min(height, 780); down += 12) {
    await page.mouse.click(x + 0.3 * width, y + down)
    await page.mouse.move(x + 0.6 * width, y + down)
    texts.push(await page.evaluate(() => document.querySelector('#details')!.textContent ?? ''))
  }
  // Tracks further down are there when they come into view.
  await page.mouse.move(x + 0.5 * width, y + 0.5 * Math.min(height, 700))
  await page.mouse.wheel({ deltaY: 10_000 })
  await page.evaluate(text => {
    const all = document.createElement('pre')
    all.textContent = text
    document.body.append(all)
  }, texts.join('\n'))
}
function search(text: string): (page: Page) => Promise<void> {
  return async page => {
    for (const input of await page.$$('input')) {
      await input.focus()
      await page.keyboard.sendCharacter(text.slice(0, 1000))
      await page.keyboard.press('Enter')
    }
  }
}
