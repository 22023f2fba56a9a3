import { describe, expect, it } from 'vitest'

import { chromium } from '../browser.js'
import { openReports, press, textsOf } from './reader.js'
import { SERVICE } from './recordings.js'

describe.skipIf(chromium === undefined)('a GPU gap', () => {
  const open = openReports()

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

describe.skipIf(chromium === undefined)('copies', () => {
  const open = openReports()

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
