import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gunzipSync } from 'node:zlib'
import type { Browser } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { buildCapture, type Capture } from '../../src/index.js'
import { randomRows } from '../export/random-rows.js'
import { chromium, launchBrowser, openPage } from './browser.js'

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
})

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
