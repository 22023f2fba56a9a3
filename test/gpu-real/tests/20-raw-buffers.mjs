import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { sum } from '../checks.mjs'
import { readRawFile } from '../raw-file.mjs'
import { recordGpu } from '../rows.mjs'

const KERNEL = 10
const COPY = 1
const FILL = 2
const SYNCHRONISATION = 38
const MEMORY = 49
const LARGEST_BYTES = 1 << 20

// Small enough to be kept in the repository, and one for each thing that can be in a buffer.
const SCENES = {
  spins: gpu => ({ eventUs: sum(gpu.spinTimed(20, 50).eventUs), kernels: 50, copies: 0 }),
  forms(gpu) {
    for (const form of ['runtime', 'plain', 'ex', 'driver', 'driverEx', 'cooperative']) gpu.launch(form, 10)
    return { kernels: 60, copies: 0 }
  },
  copies(gpu) {
    for (const memory of ['pageable', 'pinned']) {
      for (const isAsync of [false, true]) {
        gpu.copy('htod', memory, 'device', isAsync, 65_537)
        gpu.copy('dtoh', 'device', memory, isAsync, 65_537)
      }
    }
    gpu.copy('dtod', 'device', 'device', false, 65_537)
    gpu.fill(1, false, 40_000)
    return { kernels: 0, copies: 9 }
  },
  fills(gpu) {
    for (const width of [1, 2, 4]) gpu.fill(width, false, 40_000)
    gpu.fill(1, true, 40_000)
    return { kernels: 0, copies: 0, fills: 4 }
  },
  graph: (gpu, { graph }) => ({ eventUs: gpu.replayGraph(graph, 10).eventUs, kernels: 200, copies: 0 }),
  streams(gpu) {
    for (const stream of [1, 2, 3, 4]) gpu.spin(30, 20, stream)
    gpu.threadSpin(30, 10, 4)
    return { kernels: 120, copies: 0 }
  },
  waits(gpu) {
    gpu.launchAndWait(50)
    return { kernels: 50, copies: 0, waits: 50 }
  },
  memory(gpu) {
    gpu.allocate(20, 10, 1 << 20)
    return { kernels: 0, copies: 0, allocations: 20, releases: 10 }
  },
}

export const title = 'Raw buffers for replay'
export const truth = 'what each scene does; its file read without opscope'

export async function run({ gpu, check, scratch }) {
  gpu.prepareCopies(65_537, false)
  const graph = gpu.createGraph(20, 5)
  for (const [scene, play] of Object.entries(SCENES)) {
    const path = join(scratch, `raw-${scene}.opscraw`)
    process.env.OPSCOPE_CAPTURE_RAW = path
    let known
    const body = () => {
      known = play(gpu, { graph })
      gpu.sync()
    }
    const { rows } = await recordGpu(body, { memory: scene === 'memory' })
    delete process.env.OPSCOPE_CAPTURE_RAW
    const file = readRawFile(path)
    check.equal(
      `${scene}: kernels, copies in the file`,
      `${known.kernels}, ${known.copies}`,
      `${file.records.get(KERNEL) ?? 0}, ${file.records.get(COPY) ?? 0}`,
    )
    check.equal(
      `${scene}: kernels, copies by opscope`,
      `${known.kernels}, ${known.copies}`,
      `${rows.kernels().length}, ${rows.copies().length}`,
    )
    // The recording's own wait at its stop is a record too, as is the scene's last one.
    if (known.waits !== undefined)
      check.within(`${scene}: waits in the file`, file.records.get(SYNCHRONISATION) ?? 0, known.waits, known.waits + 4)
    if (known.fills !== undefined)
      check.equal(
        `${scene}: fills in the file, by opscope`,
        `${known.fills}, ${known.fills}`,
        `${file.records.get(FILL) ?? 0}, ${rows.of('fill').length}`,
      )
    if (known.allocations !== undefined)
      check.equal(
        `${scene}: allocations and releases in the file`,
        known.allocations + known.releases,
        file.records.get(MEMORY) ?? 0,
      )
    check.equal(`${scene}: bytes of no record`, 0, file.tornBytes)
    check.atMost(`${scene}: file`, file.bytes, LARGEST_BYTES, 'B')
    // What a replay is held against, on a machine without this GPU.
    const truth = { scene, ...known, cupti: file.version, driver: file.driver, device: gpu.device() }
    writeFileSync(join(scratch, `raw-${scene}.json`), `${JSON.stringify(truth, null, 2)}\n`)
  }
}
