import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import type { Browser } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { buildCapture, type Capture, loadCapture } from '../../src/index.js'
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
  })
})
