// What a page takes in bytes, how long it takes to write, to open in Chromium without a window, to zoom and to pan. Opening
// counts from the start of the navigation; a step from the event of the wheel until its frame is painted, waiting
// for the screen included (at 60 Hz up to 17 ms). Argument: sizes, such as 1e7; without it 1e5,1e6.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { native } from '../lib/binding.js'
import { Capture } from '../lib/capture.js'
import { RowsBuilder } from '../lib/rows-builder.js'
import { median, quantile } from './rounds.mjs'
import { importPeer, printRow } from './rows.mjs'

const SIZES = (process.argv[2] ?? '1e5,1e6').split(',').map(Number)
const BYTES_TARGET = 40
const PAINT_TARGET_MS = 2000
const STEP_TARGET_MS = 33
const STEPS = 120

const browser = await launchBrowser()
const folder = mkdtempSync(join(tmpdir(), 'opscope-bench-'))
try {
  for (const size of SIZES) await bench(size)
} finally {
  await browser?.close()
  rmSync(folder, { recursive: true })
}

async function bench(events) {
  const capture = await captureOf(events)
  const path = join(folder, 'page.html')
  const rounds = events >= 1e7 ? 1 : events >= 1e6 ? 5 : 15
  const seconds = []
  let bytes = 0
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    bytes = (await capture.export(path)).bytes
    seconds.push((performance.now() - start) / 1000)
  }
  printRow(`bytes of an event in the page, of ${events}`, bytes / events, 'B', { target: BYTES_TARGET })
  printRow(`to write the page of ${events} events`, median(seconds), 's')
  printRow(`most memory of the process, with ${events} events`, process.resourceUsage().maxRSS / 1024, 'MiB')
  if (browser === undefined) return

  const opened = []
  for (let round = 0; round < rounds; round++) {
    const page = await open(pathToFileURL(path).href)
    opened.push(await page.evaluate('opened'))
    if (round === rounds - 1) printSteps(events, await zoomAndPan(page))
    await page.close()
  }
  const ms = key => median(opened.map(times => times[key]))
  printRow(`open to first paint, ${events} events`, ms('paint'), 'ms', { target: PAINT_TARGET_MS })
  printRow(`open to the timeline, ${events} events`, ms('timeline'), 'ms')
}

function printSteps(events, steps) {
  for (const [kind, { framesMs, scriptMs }] of Object.entries(steps)) {
    printRow(`${kind} step, ${events} events: median`, median(framesMs), 'ms', { target: STEP_TARGET_MS })
    printRow(`${kind} step, ${events} events: p99`, quantile(framesMs, 0.99), 'ms')
    printRow(`${kind} step, ${events} events: of that script, median`, median(scriptMs), 'ms')
  }
}

/** Ops of three phases on two threads; one phase in two launches a kernel: of ten events eight spans, a launch, a kernel. */
async function captureOf(events) {
  const builder = new RowsBuilder()
  const threads = [builder.addThread('main', 1000, 0), builder.addThread('worker', 1001, 1)]
  const ops = Array.from({ length: 60 }, (_, i) => builder.name(`elementwise_op_${i}`, 'cpu_op'))
  const phases = ['prepare_data', 'infer_shape', 'compute'].map(name => builder.name(name, 'cpu_op', 'phase'))
  let state = 1
  const below = bound => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * bound)
  }
  let correlation = 0n
  for (const thread of threads) {
    let now = 1e6
    for (let event = 0; event < events / 2; event += 5) {
      now += 200 + below(2000)
      const length = 3000 + below(below(20) === 0 ? 3e6 : 30_000)
      const part = Math.floor(length / 3) - 10
      builder.addSpan(thread, ops[below(60)], now, now + length)
      phases.forEach((phase, i) => {
        const start = now + 10 + part * i
        builder.addSpan(thread, phase, start, start + part - below(20))
      })
      if (event % 10 === 0) {
        const start = now + 2 * part + 100
        builder.addLaunch(thread, 'cudaLaunchKernel', start, start + 200 + below(100), ++correlation)
        builder.addGpu({
          ...{ kind: 0, from: 0, to: 0, name: `kernel_${below(40)}`, device: 0, context: 1, stream: 7 + thread },
          ...{ startNs: start + 500, endNs: start + 500 + below(part), correlationId: correlation, bytes: 0 },
        })
      }
      now += length
    }
  }
  builder.durationNs = builder.timeRange().endNs
  return Capture.fromHandle(await native().build(builder.rows()))
}

async function launchBrowser() {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const names = ['chromium', 'chromium-browser', 'google-chrome']
  const paths = names.flatMap(name => folders.map(folder => join(folder, name)))
  const executablePath = process.env.OPSCOPE_TEST_CHROMIUM ?? paths.find(existsSync)
  const peer = await importPeer('puppeteer-core')
  if (peer === undefined || executablePath === undefined) {
    console.log('no Chromium: pages are written and not opened')
    return undefined
  }
  return peer.default.launch({ executablePath, args: ['--no-sandbox'], protocolTimeout: 600_000 })
}

/** Resolves when the timeline is painted. */
async function open(url) {
  const page = await browser.newPage()
  page.setDefaultTimeout(600_000)
  await page.setViewport({ width: 1280, height: 800 })
  await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }])
  await page.evaluateOnNewDocument(() => {
    globalThis.opened = {}
    new PerformanceObserver(list => {
      for (const { name, startTime } of list.getEntries()) {
        if (name === 'first-contentful-paint') opened.paint = startTime
      }
    }).observe({ type: 'paint', buffered: true })
    const seen = new MutationObserver(() => {
      if (document.querySelector('#timeline canvas') === null) return
      seen.disconnect()
      // The task after a frame comes when it is painted.
      requestAnimationFrame(() => setTimeout(() => (opened.timeline = performance.now())))
    })
    seen.observe(document, { childList: true, subtree: true })
  })
  await page.goto(url)
  await page.waitForFunction('opened.paint !== undefined && opened.timeline !== undefined')
  return page
}

/** Milliseconds of single steps: into the middle of the timeline and out again, then sideways at the whole of it. */
async function zoomAndPan(page) {
  return page.evaluate(async count => {
    const canvas = [...document.querySelectorAll('#timeline canvas')].sort(
      (a, b) => b.width * b.height - a.width * a.height,
    )[0]
    canvas.scrollIntoView({ block: 'center' })
    const { left, top, width, height } = canvas.getBoundingClientRect()
    const clientX = left + width * 0.6
    const clientY = top + height / 2
    const target = document.elementFromPoint(clientX, clientY)
    const frame = window.requestAnimationFrame.bind(window)
    let script = 0
    window.requestAnimationFrame = callback =>
      frame(time => {
        const start = performance.now()
        callback(time)
        script += performance.now() - start
      })
    const take = async wheel => {
      const start = performance.now()
      script = 0
      target.dispatchEvent(new WheelEvent('wheel', { ...wheel, clientX, clientY, bubbles: true, cancelable: true }))
      script += performance.now() - start
      await new Promise(resolve => frame(() => setTimeout(resolve)))
      return { frame: performance.now() - start, script }
    }
    const run = async wheelOf => {
      const taken = []
      for (let step = 0; step < count; step++) taken.push(await take(wheelOf(step)))
      return { framesMs: taken.map(each => each.frame), scriptMs: taken.map(each => each.script) }
    }
    const before = canvas.toDataURL()
    // A quarter deeper each, until a few events fill it; then out.
    const zoom = await run(step => ({ deltaY: step < count / 2 ? -100 : 100, ctrlKey: true }))
    // Two thirds of the whole: nearly all events are in view.
    await take({ deltaY: -160, ctrlKey: true })
    if (canvas.toDataURL() === before) throw new Error('The wheel did not zoom.')
    const pan = await run(step => ({ deltaX: step % 20 < 10 ? 20 : -20 }))
    return { zoom, pan }
  }, STEPS)
}
