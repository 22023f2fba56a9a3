// npm run pictures [-- NAME ...]: the pictures of README.md and docs/, made anew from real runs. Needs Chromium. Those
// of a GPU show test/fixtures/gpu-h200/demo.pftrace, which examples/demo-gpu.mjs left behind on one.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

import { loadCapture } from 'opscope'
import puppeteer from 'puppeteer-core'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CLI = join(ROOT, 'lib/cli/main.js')
const GPU_DEMO = join(ROOT, 'test/fixtures/gpu-h200/demo.pftrace')
// Twice the pixels: pictures are looked at on such screens too.
const PIXEL_RATIO = 2
const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'opscope-pictures-'))

/** Each makes docs/pictures/<name>.png. */
const PICTURES = {
  async report(browser) {
    await shootPage(browser, 'report', await loadCapture(GPU_DEMO), { height: 1000 })
  },
  async 'report-dark'(browser) {
    await shootPage(browser, 'report-dark', await loadCapture(GPU_DEMO), { height: 1000, scheme: 'dark' })
  },
  /** A kernel was clicked: its launch, and what is known of it. */
  async timeline(browser) {
    await shootPage(browser, 'timeline', await loadCapture(GPU_DEMO), {
      height: 1100,
      element: '#timeline-panel',
      async act(page) {
        const search = '#timeline-panel input[type=search]'
        await page.click(search)
        await page.keyboard.type('Matmul')
        for (let match = 0; match < 30; match++) await page.keyboard.press('Enter')
        // Out of the search and to the match it found, which is then selected, and seen from a little further off.
        for (const key of ['Escape', 'Enter', 'f']) await page.keyboard.press(key)
        for (let step = 0; step < 6; step++) await page.keyboard.press('-')
      },
    })
  },
  async requests(browser) {
    await shootPage(browser, 'requests', await loadCapture(await serverRecording()), {
      height: 1400,
      element: '#requests',
    })
  },
  async terminal(browser) {
    const path = join(folder, 'demo.pftrace')
    await run(process.execPath, ['examples/demo.mjs', `profilePath=${path}`], { cwd: ROOT })
    const { stdout } = await run(process.execPath, [CLI, 'report', path, '--sorted-key', 'total'], { cwd: ROOT })
    await shootText(browser, 'terminal', stdout.trimEnd())
  },
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter(name => !(name in PICTURES))
if (unknown.length > 0) {
  console.error(`There is no picture ${unknown.join(', ')}. Pictures: ${Object.keys(PICTURES).join(', ')}`)
  process.exit(2)
}
const browser = await puppeteer.launch({
  executablePath: process.env.OPSCOPE_TEST_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--force-color-profile=srgb', '--font-render-hinting=none'],
})
try {
  for (const [name, make] of Object.entries(PICTURES)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    await make(browser)
    console.log(`docs/pictures/${name}.png`)
  }
} finally {
  await browser.close()
  rmSync(folder, { recursive: true })
}

/** The HTML report of a capture, or one element of it, after somebody used it. */
async function shootPage(browser, name, capture, { height, scheme = 'light', element, act }) {
  const path = join(folder, `${name}.html`)
  await capture.export(path)
  const page = await open(browser, { height, scheme })
  await page.goto(pathToFileURL(path).href)
  await page.waitForSelector('#timeline canvas')
  await act?.(page)
  await settled(page)
  await shoot(element === undefined ? page : await page.$(element), name)
  await page.close()
}

/** Text as a terminal shows it. */
async function shootText(browser, name, text) {
  const page = await open(browser, { height: 800, scheme: 'dark' })
  await page.setContent('<pre id="screen"></pre>')
  await page.addStyleTag({
    content: `body { margin: 0; background: #14171c }
      pre { display: inline-block; margin: 0; padding: 16px 20px; color: #d6dae0; font: 13px/1.35 "DejaVu Sans Mono", monospace }`,
  })
  await page.$eval(
    '#screen',
    (screen, value) => {
      screen.textContent = value
    },
    text,
  )
  await shoot(await page.$('#screen'), name)
  await page.close()
}

async function open(browser, { height, scheme }) {
  const page = await browser.newPage()
  await page.setViewport({ width: 1280, height, deviceScaleFactor: PIXEL_RATIO })
  await page.emulateMediaFeatures([
    { name: 'prefers-color-scheme', value: scheme },
    { name: 'prefers-reduced-motion', value: 'reduce' },
  ])
  return page
}

/** Nothing has been drawn for two frames. */
function settled(page) {
  return page.evaluate(
    () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 200)))),
  )
}

function shoot(target, name) {
  return target.screenshot({ path: join(ROOT, 'docs/pictures', `${name}.png`), optimizeForSpeed: false })
}

async function typeInto(page, selector, text) {
  await page.click(selector)
  await page.keyboard.type(text)
}

/** Two hundred images through the inference server of the examples, every tenth traced. */
async function serverRecording() {
  const path = join(folder, 'server.pftrace')
  const server = spawn(process.execPath, [CLI, 'run', '--profile-path', path, 'examples/inference-server/server.mjs'], {
    cwd: ROOT,
    env: { ...process.env, TRACE_RATE: '1', HTTP_PORT: '0', GRPC_PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(server.stdout.setEncoding('utf8'), 'data')
  const [, http, grpc] = /HTTP on port (\d+), gRPC on port (\d+)/.exec(line)
  await run(process.execPath, ['examples/inference-server/client.mjs', '200', '8'], {
    cwd: ROOT,
    env: { ...process.env, HTTP_URL: `http://127.0.0.1:${http}`, GRPC_ADDRESS: `127.0.0.1:${grpc}` },
  })
  server.kill('SIGTERM')
  await once(server, 'close')
  return path
}
