import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import type { Browser } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { buildCapture, type Capture, type CaptureRows, loadCapture } from '../../src/index.js'
import { pageFiles } from '../../src/report/html.js'
import { randomRows } from '../export/random-rows.js'
import { chromium, launchBrowser, openPage } from './browser.js'
import { modelIn } from './page-text.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-page-'))
const at = (name: string) => join(folder, name)
afterAll(() => rmSync(folder, { recursive: true }))

describe('the HTML report as a file', () => {
  let capture: Capture
  beforeAll(async () => {
    capture = await buildCapture(randomRows(3000))
  })

  it('is what html() gives, and says how long it is', async () => {
    const { bytes, warnings } = await capture.export(at('same.html'))
    expect({ bytes, warnings }).toEqual({ bytes: statSync(at('same.html')).size, warnings: [] })
    expect(readFileSync(at('same.html'), 'utf8')).toBe(await capture.html())
  })
  it('is the same packed', async () => {
    await capture.export(at('packed.html.gz'))
    expect(gunzipSync(readFileSync(at('packed.html.gz'))).toString()).toBe(await capture.html())
  })
  it('is written for any name when the format is given', async () => {
    await capture.export(at('report.txt'), { format: 'html' })
    expect(readFileSync(at('report.txt'), 'utf8')).toMatch(/^<!doctype html>/)
  })
  it('fails before anything is done where the page was not built', () => {
    const folder = pathToFileURL(at('nowhere/'))
    expect(() => pageFiles(folder)).toThrow(/lib\/page was not built\.\n.*npm run build/)
  })
})

describe('a program that ends', () => {
  const program = (path: string, end: string) => `
    const { op, startProfiler } = await import('${process.cwd()}/lib/index.js')
    startProfiler({ profilePath: ${JSON.stringify(path)}, gpu: 'off' })
    const work = op('work'); work.begin(); work.end()
    ${end}`

  it('has its page when it calls exit while it is profiled', async () => {
    await node(program(at('exit.html'), 'process.exit()'))
    const { names, spanCount } = modelIn(readFileSync(at('exit.html'), 'utf8'))
    expect(names.map(({ text }) => text)).toContain('work')
    expect(spanCount).toBe(1)
  })
  it('has a Perfetto trace instead where no JavaScript can run any more', async () => {
    const ready =
      "const { parentPort } = await import('node:worker_threads'); parentPort.postMessage('ready'); setInterval(() => {}, 1000)"
    await node(`import { Worker } from 'node:worker_threads'
      const worker = new Worker(${JSON.stringify(program(at('worker.html'), ready))}, { eval: true })
      worker.on('message', () => worker.terminate())`)
    const { spans } = await loadCapture(at('worker.html.pftrace'))
    expect(Array.from(spans.name, name => spans.names[name]!.text)).toEqual(['work'])
    expect(existsSync(at('worker.html'))).toBe(false)
  })
})

/** Runs a program to its good end. */
async function node(source: string): Promise<void> {
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', source])
}

describe.runIf(chromium)('in a browser', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser.close())

  it('opens from a file, with no request and nothing wrong', async () => {
    const capture = await buildCapture(randomRows(3000))
    await capture.export(at('open.html'))
    const { page, problems } = await openPage(browser, pathToFileURL(at('open.html')).href)
    await page.waitForFunction('document.querySelector("script.columns") === null')
    expect(await page.title()).toBe('opscope · opscope')
    expect(problems).toEqual([])
    expect(await page.$$('#timeline canvas')).not.toEqual([])
  })

  it('lets no script run but its own, and nothing be asked for', async () => {
    const html = await (await buildCapture(randomRows(50))).html()
    const foreign =
      '<script>window.pwned=1</script><img src="data:," onerror="window.pwned=1"><a style="color:red">x</a>'
    writeFileSync(at('foreign.html'), html.replace('</body>', `${foreign}</body>`))
    const { page, problems } = await openPage(browser, pathToFileURL(at('foreign.html')).href)
    const refused = await page.evaluate(async () => {
      const asked = ['http://127.0.0.1:9/', 'data:,x', 'blob:x'].map(url =>
        fetch(url).then(String, error => error.name),
      )
      return [...(await Promise.all(asked)), 'pwned' in window]
    })
    expect(refused).toEqual(['TypeError', 'TypeError', 'TypeError', false])
    expect(problems.filter(problem => /Content Security Policy/.test(problem)).length).toBeGreaterThanOrEqual(6)
  })

  const HOUR = 3.6e12
  const one = (startNs: number, endNs: number | null): Partial<CaptureRows> => ({
    spans: [{ thread: 0, name: 'one', startNs, endNs }],
  })
  it.each<[string, Partial<CaptureRows>]>([
    ['nothing', {}],
    ['nothing for an hour', { durationNs: HOUR }],
    ['one span', one(0, 1000)],
    ['one span without length', one(0, 0)],
    ['one span that never ended', one(0, null)],
    ['one nanosecond', { ...one(0, 1), durationNs: 1 }],
    ['one nanosecond of a month', { ...one(5, 6), durationNs: 720 * HOUR }],
    ['a month', { ...one(0, 720 * HOUR), durationNs: 720 * HOUR }],
    ['one mark', { marks: [{ thread: 0, name: 'here', atNs: 0 }] }],
    ['one value', { counters: [{ thread: 0, name: 'rss', atNs: 0, value: Number.MAX_VALUE }] }],
    ['one kernel that nobody launched', { gpu: [{ kind: 'kernel', name: 'gemm', startNs: 0, endNs: 5 }] }],
    ['one API call', { launches: [{ thread: 0, name: 'launch', startNs: 0, endNs: 5, correlationId: 1 }] }],
  ])('shows %s', async (_, rows) => {
    const capture = await buildCapture({ threads: [{ name: 'main', osThreadId: 7, jsThreadId: 0 }], ...rows })
    await capture.export(at('edge.html'))
    const { page, problems } = await openPage(browser, pathToFileURL(at('edge.html')).href)
    await page.waitForFunction('document.querySelector("script.columns") === null')
    await page.evaluate('new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))')
    expect(problems).toEqual([])
    expect(await page.$$('[role=alert]')).toEqual([])
  })

  it.each<[string, (html: string) => string, RegExp]>([
    [
      'columns are damaged',
      html => html.replace(/(class="columns">.{40})..../, '$1AAAA'),
      /^The recording cannot be shown: /,
    ],
    [
      'columns are no Base64',
      html => html.replace('class="columns">', 'class="columns">!'),
      /^The recording cannot be shown: /,
    ],
    [
      'end is missing',
      html => html.slice(0, html.indexOf('class="columns">') + 200),
      /^The recording cannot be shown: /,
    ],
    [
      'columns are missing',
      html => html.slice(0, html.indexOf('<script type="text/plain"')),
      /^The recording cannot be shown: /,
    ],
    ['model is damaged', html => html.replace('id="model">{', 'id="model">'), /^The report cannot be shown: /],
  ])('says so when the %s, and shows the rest', async (_, damage, message) => {
    const html = await (await buildCapture(randomRows(500))).html()
    writeFileSync(at('damaged.html'), damage(html))
    const { page } = await openPage(browser, pathToFileURL(at('damaged.html')).href)
    const alert = (await page.waitForSelector('[role=alert]'))!
    expect(await alert.evaluate(({ textContent }) => textContent)).toMatch(message)
  })
})
