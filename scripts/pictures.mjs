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
/** Of what is to be looked at. */
let folder = ''

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
  /** What a capture over the network has of the same server. */
  async capture(browser) {
    await shootPage(browser, 'capture', await loadCapture(await captureOfServer()), {
      height: 1000,
      element: '#timeline-panel',
    })
  },
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter(name => !(name in PICTURES))
if (unknown.length > 0) {
  console.error(`There is no picture ${unknown.join(', ')}. Pictures: ${Object.keys(PICTURES).join(', ')}`)
  process.exit(2)
}
folder = mkdtempSync(join(tmpdir(), 'opscope-pictures-'))
try {
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
  }
} finally {
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

/** Two hundred images through the inference server of the examples, all of them traced. */
async function serverRecording() {
  const path = join(folder, 'server.pftrace')
  await withServer(['--profile-path', path], server => sendImages(server, 200))
  return path
}

/** Half a second of it while it serves, as TensorBoard would get it. */
function captureOfServer() {
  return withServer(['--capture-port', '0'], async server => {
    // The first run of the model loads its twin.
    await sendImages(server, 20)
    const [, port] = /captures are served at 127\.0\.0\.1:(\d+)/.exec(server.told())
    const asked = [`localhost:${port}`, '--duration', '600ms', '--logdir', folder, '--no-report']
    const [{ stdout }] = await Promise.all([
      run(process.execPath, [CLI, 'capture', ...asked], { cwd: ROOT }),
      sendImages(server, 1000),
    ])
    return stdout
      .trim()
      .split('\n')
      .find(line => line.endsWith('.xplane.pb'))
  })
}

/** Runs `use` while the server runs under opscope; it has ended and written its files when this resolves. */
async function withServer(options, use) {
  const child = spawn(process.execPath, [CLI, 'run', ...options, 'examples/inference-server/server.mjs'], {
    cwd: ROOT,
    env: { ...process.env, TRACE_RATE: '1', HTTP_PORT: '0', GRPC_PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const closed = once(child, 'close')
  let told = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    told += text
  })
  try {
    const [line] = await once(child.stdout.setEncoding('utf8'), 'data')
    const [, http, grpc] = /HTTP on port (\d+), gRPC on port (\d+)/.exec(line)
    return await use({ http, grpc, told: () => told })
  } finally {
    child.kill('SIGTERM')
    await closed
  }
}

function sendImages({ http, grpc }, count) {
  return run(process.execPath, ['examples/inference-server/client.mjs', String(count), '4'], {
    cwd: ROOT,
    env: { ...process.env, HTTP_URL: `http://127.0.0.1:${http}`, GRPC_ADDRESS: `127.0.0.1:${grpc}` },
  })
}
