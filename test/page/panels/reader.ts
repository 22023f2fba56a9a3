// What a reader of a report does: opens its file, looks, clicks and types.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, ElementHandle, Page } from 'puppeteer-core'
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest'

import { buildCapture, type CaptureRows } from '../../../src/rows.js'
import { launchBrowser, openPage, type PageOptions } from '../browser.js'

/** A browser for the tests around; each report that it opens is closed with its test, which fails on any error of the page. */
export function openReports(): (rows: CaptureRows, options?: PageOptions) => Promise<Page> {
  const folder = mkdtempSync(join(tmpdir(), 'opscope-panels-'))
  let browser: Browser
  let written = 0
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    rmSync(folder, { recursive: true })
  })
  return async (rows, options) => {
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
}

export const textOf = (page: Page, selector: string): Promise<string | null> =>
  page.$eval(selector, element => element.textContent)
export const textsOf = (page: Page, selector: string): Promise<string[]> =>
  page.$$eval(selector, all => all.map(element => element.textContent ?? ''))

/** Clicks the button, link or summary with this text. */
export async function press(page: Page, within: string, text: string): Promise<void> {
  const found = await page.evaluateHandle(
    (within, text) =>
      [...document.querySelectorAll(`${within} :is(button, a, summary)`)].find(one => one.textContent === text),
    within,
    text,
  )
  const target = found.asElement() as ElementHandle<Element> | null
  if (target === null) throw new Error(`Nothing in ${within} says "${text}".`)
  await target.click()
}

/** Of the rows of ops that are shown. */
export const opNames = (page: Page): Promise<string[]> => textsOf(page, '#ops tr[data-index] .name')
/** Of the row of ops that has the focus; else what has it. */
export const focusedName = (page: Page): Promise<string | undefined> =>
  page.evaluate(() => document.activeElement?.querySelector('.name')?.textContent ?? document.activeElement?.tagName)
