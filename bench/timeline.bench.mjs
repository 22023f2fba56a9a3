// What the timeline of the HTML report costs: from columns to its first frame, and each frame while one zooms and pans
// at every frame. In Chromium without a GPU, which is the slowest that users have; sizes are events.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { quantile } from './rounds.mjs'
import { importPeer, printRow } from './rows.mjs'

const SIZES = process.argv[2] === undefined ? [1e5, 1e6, 1e7] : process.argv.slice(2).map(Number)
const STEPS = 60
const path = from => fileURLToPath(new URL(from, import.meta.url))

const chromium =
  process.env.OPSCOPE_TEST_CHROMIUM ??
  ['chromium', 'chromium-browser', 'google-chrome']
    .flatMap(name => process.env.PATH.split(delimiter).map(folder => join(folder, name)))
    .find(file => existsSync(file))
const puppeteer = (await importPeer('puppeteer-core'))?.default
const esbuild = await importPeer('esbuild')
if (chromium === undefined) console.log('no Chromium on PATH, and OPSCOPE_TEST_CHROMIUM names none: left out')
else if (puppeteer !== undefined && esbuild !== undefined) await run()

async function run() {
  const folder = mkdtempSync(join(tmpdir(), 'opscope-timeline-'))
  const browser = await puppeteer.launch({ executablePath: chromium, args: ['--no-sandbox'] })
  try {
    const url = await writePage(folder)
    for (const size of SIZES) await measure(browser, url, size)
  } finally {
    await browser.close()
    rmSync(folder, { recursive: true })
  }
}

/** The timeline alone, with the recordings that its tests look at. */
async function writePage(folder) {
  const { outputFiles } = await esbuild.build({
    entryPoints: [path('../test/page/timeline-page.ts'), path('../src/page/page.css')],
    outdir: '/',
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
  })
  const textOf = suffix => outputFiles.find(file => file.path.endsWith(suffix)).text
  const file = join(folder, 'page.html')
  const style = `<style>${textOf('.css')}</style>`
  writeFileSync(file, `<!doctype html>${style}<section id="timeline"></section><script>${textOf('.js')}</script>`)
  return pathToFileURL(file).href
}

async function measure(browser, url, size) {
  const page = await browser.newPage()
  await page.setViewport({ width: 1920, height: 1080 })
  await page.goto(url)
  const mountMs = await page.evaluate(async count => {
    const ms = timelinePage.showMany(count)
    await new Promise(done => requestAnimationFrame(() => setTimeout(done)))
    return ms
  }, size)
  const { zoom, pan } = await page.evaluate(zoomAndPan, STEPS)
  await page.close()
  const sizeText = `timeline of ${size.toExponential().replace('e+', 'e')} events`
  printRow(`${sizeText}: mounted`, mountMs, 'ms', size === 1e6 ? { target: 1000 } : {})
  for (const [name, { framesMs, workMs }] of Object.entries({ zoom, pan })) {
    printRow(`${sizeText}: ${name} step, median`, quantile(framesMs, 0.5), 'ms', size === 1e6 ? { target: 33 } : {})
    printRow(`${sizeText}: ${name} step, p99`, quantile(framesMs, 0.99), 'ms')
    printRow(`${sizeText}: script of a ${name} step, median`, quantile(workMs, 0.5), 'ms')
  }
}

/** In the browser: a step with each frame, in to a thousandth and out again, then sideways; from frame to frame. */
async function zoomAndPan(steps) {
  const plot = document.querySelector('.timeline-overlay')
  const { left, top, width } = plot.getBoundingClientRect()
  const frame = window.requestAnimationFrame.bind(window)
  let work = 0
  // The timeline draws in the frame that it asked for.
  window.requestAnimationFrame = callback =>
    frame(time => {
      const begin = performance.now()
      callback(time)
      work += performance.now() - begin
    })
  const wheel = by =>
    plot.dispatchEvent(
      new WheelEvent('wheel', { ...by, clientX: left + width / 2, clientY: top + 9, cancelable: true }),
    )
  async function run(stepOf) {
    const framesMs = []
    const workMs = []
    await new Promise(done => frame(done))
    for (let step = 0; step < steps; step++) {
      const begin = performance.now()
      work = 0
      wheel(stepOf(step))
      await new Promise(done => frame(done))
      framesMs.push(performance.now() - begin)
      workMs.push(work)
    }
    return { framesMs, workMs }
  }
  const zoom = await run(step => ({ deltaY: step < steps / 2 ? -92 : 92, ctrlKey: true }))
  for (let step = 0; step < 8; step++) wheel({ deltaY: -92, ctrlKey: true })
  const pan = await run(step => ({ deltaX: step < steps / 2 ? 40 : -40 }))
  return { zoom, pan }
}
