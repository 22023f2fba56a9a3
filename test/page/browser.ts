// A real browser for what only a browser can show. Where there is none, the tests that need it are skipped, and say so.
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

import puppeteer, { type Browser, type Page } from 'puppeteer-core'

/** The browser's executable; undefined where there is none. */
export const chromium: string | undefined = findChromium()
if (chromium === undefined) {
  console.log('skipped: no Chromium on PATH, and OPSCOPE_TEST_CHROMIUM names none')
}

function findChromium(): string | undefined {
  const named = process.env.OPSCOPE_TEST_CHROMIUM
  if (named !== undefined) return named
  const folders = (process.env.PATH ?? '').split(delimiter)
  const names = ['chromium', 'chromium-browser', 'google-chrome']
  return names.flatMap(name => folders.map(folder => join(folder, name))).find(path => existsSync(path))
}

export interface PageOptions {
  /** Of the window, CSS pixels. @default 1280 × 800 */
  width?: number
  height?: number
  /** @default 'light' */
  scheme?: 'light' | 'dark'
  /** The user asked for less motion, so that steps take effect at once. @default true */
  reducedMotion?: boolean
  /** Device pixels per CSS pixel. @default 1 */
  pixelRatio?: number
}
export interface OpenPage {
  page: Page
  /** Errors that the page met or wrote to its console, and requests to the network. */
  problems: string[]
}

export async function launchBrowser(): Promise<Browser> {
  return puppeteer.launch({
    executablePath: chromium!,
    // Just below what a hook may take: on a machine with twenty things to do a browser needs half a minute to start.
    timeout: 55_000,
    args: ['--no-sandbox', '--force-color-profile=srgb'],
  })
}

/** A new window of the browser at `url`. */
export async function openPage(browser: Browser, url: string, options: PageOptions = {}): Promise<OpenPage> {
  const { width = 1280, height = 800, scheme = 'light', reducedMotion = true, pixelRatio = 1 } = options
  const page = await browser.newPage()
  const problems: string[] = []
  page.on('pageerror', error => problems.push(String(error)))
  page.on('console', message => {
    if (message.type() === 'error') problems.push(message.text())
  })
  page.on('request', request => {
    if (!/^(file|data|blob):/.test(request.url())) problems.push(`asked the network for ${request.url()}`)
  })
  await page.setViewport({ width, height, deviceScaleFactor: pixelRatio })
  await page.emulateMediaFeatures([
    { name: 'prefers-color-scheme', value: scheme },
    { name: 'prefers-reduced-motion', value: reducedMotion ? 'reduce' : 'no-preference' },
  ])
  await page.goto(url)
  return { page, problems }
}
