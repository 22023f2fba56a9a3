import { COPY_SHAPES } from '../backend.mjs'
import { recordGpu } from '../rows.mjs'

const HOST = ['pageable', 'pinned']
const ALL = ['pageable', 'pinned', 'managed', 'device']
/** Pairs of memory that each direction of cudaMemcpy accepts. */
const PAIRS = {
  htod: HOST.map(from => [from, 'device']),
  dtoh: HOST.map(to => ['device', to]),
  dtod: [['device', 'device']],
  htoh: HOST.flatMap(from => HOST.map(to => [from, to])),
  default: ALL.flatMap(from => ALL.map(to => [from, to])),
}
const PLACE = { pageable: 'CPU', pinned: 'CUDAPinned', device: 'GPU' }
const isHost = memory => HOST.includes(memory)

export const title = 'Copies and fills'
export const truth = 'the arguments of each call'

export async function run({ gpu, check, size }) {
  const sizes = size([4096, 65_537, 64 << 20], [4096, 65_537])
  gpu.prepareCopies(Math.max(...sizes), true)
  for (const [direction, pairs] of Object.entries(PAIRS)) {
    for (const [from, to] of pairs) {
      for (const isAsync of [false, true]) await copies({ gpu, check, sizes, direction, from, to, isAsync })
    }
  }
  await shapes({ gpu, check })
  await fills({ gpu, check })
}

async function copies({ gpu, check, sizes, direction, from, to, isAsync }) {
  const label = `${direction} ${from}→${to} ${isAsync ? 'async' : 'sync'}`
  const hostNs = []
  const { rows } = await recordGpu(() => {
    for (const bytes of sizes) hostNs.push(gpu.copy(direction, from, to, isAsync, bytes))
  })
  const seen = rows.copies()
  const bytes = seen.map(copy => copy.bytes).join(', ') || 'no record'
  // Host to host is the CPU's own work, and managed memory may be read where it is: a record is welcome, not due.
  const isDue = !(isHost(from) && isHost(to)) && from !== 'managed' && to !== 'managed'
  if (!isDue) return check.note(`${label}: bytes`, bytes)
  check.equal(`${label}: bytes`, sizes.join(', '), bytes)
  check.equal(`${label}: memory`, `${from}→${to}`, unique(seen.map(copy => `${copy.from}→${copy.to}`)))
  const how = isAsync ? 'Async' : 'Sync'
  const name = from === to ? `GpuMemcpy${how}(same_gpu):GPU->GPU` : `GpuMemcpy${how}:${PLACE[from]}->${PLACE[to]}`
  check.equal(`${label}: row`, name, [...rows.copyNames().keys()].join(', '))
  if (sizes.length < 3 || seen.length < 3) return
  // How long the largest kept the host, beside how long it took: what "async" means for this memory.
  check.note(
    `${label}: host blocked, GPU, of the largest`,
    `${Math.round(hostNs.at(-1) / 1000)} µs, ${Math.round(seen.at(-1).durationUs)} µs`,
  )
}

async function shapes({ gpu, check }) {
  for (const shape of COPY_SHAPES) {
    let bytes
    const { rows } = await recordGpu(() => {
      bytes = gpu.copyShape(shape)
    })
    if (bytes === undefined) check.skip(shape, 'not in this CUDA')
    else
      check.equal(
        `${shape}: bytes`,
        bytes,
        rows.copies().reduce((total, copy) => total + copy.bytes, 0),
      )
  }
}

async function fills({ gpu, check }) {
  for (const [width, isAsync] of [
    [1, false],
    [1, true],
    [2, false],
    [4, false],
  ]) {
    const { rows } = await recordGpu(() => gpu.fill(width, isAsync, 40_000))
    check.equal(
      `fill by ${width} byte${isAsync ? ', async' : ''}: bytes`,
      '40000',
      rows
        .of('fill')
        .map(fill => fill.bytes)
        .join(', '),
    )
  }
}

const unique = values => [...new Set(values)].join(', ')
