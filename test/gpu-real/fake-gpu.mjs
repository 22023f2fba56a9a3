// The suite's GPU on a machine without one: each method runs a script on the fake CUPTI (binding/test/fake/script.h)
// and returns what the script says. GPU_SUITE_LIE names a way in which the records then differ from the truth, so
// that it can be shown that the suite sees it.
import { createRequire } from 'node:module'

/** What a record can be wrong about. @type {Record<string, string>} */
export const LIES = {
  drop: 'every tenth kernel has no record',
  slow: 'kernels are recorded a fifth longer than they ran',
  bytes: 'copies and fills are recorded a byte short, and a release is not',
  form: 'async copies are recorded as synchronous',
  memory: 'pinned memory is recorded as pageable',
  skew: 'the GPU stamps its work 50 us late',
  thread: 'launches are recorded for another thread',
  node: 'every graph replay lacks a node',
  marker: 'no range is recorded',
  occupancy: 'kernels are recorded with twice their registers',
  uncorrelated: 'kernels carry an id that no call has',
  cost: 'a launch costs 5 us more while it is recorded',
  counted: 'every tenth kernel has no record, and is counted as dropped',
}

const lie = process.env.GPU_SUITE_LIE ?? ''
if (lie !== '' && !(lie in LIES)) throw new Error(`GPU_SUITE_LIE knows ${Object.keys(LIES).join(', ')}`)

/** Two events with nothing between them. */
const EVENT_PAIR_US = 1.5
const LAUNCH_NS = 1000
const CALLS = {
  runtime: '__cudaLaunchKernel',
  plain: 'cudaLaunchKernel',
  ex: 'cudaLaunchKernelExC',
  driver: 'cuLaunchKernel driver',
  driverEx: 'cuLaunchKernelEx driver',
  cooperative: 'cudaLaunchCooperativeKernel',
}
const KERNELS = {
  runtime: 'gs_empty_runtime',
  plain: 'gs_empty_plain',
  ex: 'gs_empty_ex',
  driver: 'gs_empty_driver',
  driverEx: 'gs_empty_driver_ex',
  cooperative: 'gs_empty_cooperative',
}
const SHAPE_BYTES = { 'to symbol': 40_000, 'from symbol': 40_000, 'batch of 3': 6000 }
const HOST_MEMORY = ['pageable', 'pinned']

// Blocks per multiprocessor worked out by hand for what the fake's device record says: 64 warps, 32 blocks, 65,536
// registers, 233,472 bytes of shared memory per multiprocessor; 1 KiB of each block's is the driver's.
const SHAPES = [
  { block: 1024, registers: 32, dynamicShared: 0, staticShared: 0, blocksPerSm: 2 }, // 64 warps / 32
  { block: 32, registers: 16, dynamicShared: 0, staticShared: 0, blocksPerSm: 32 }, // as many blocks as there are
  { block: 256, registers: 64, dynamicShared: 0, staticShared: 0, blocksPerSm: 4 }, // 4 * 8 warps of 2,048 / 8
  { block: 128, registers: 32, dynamicShared: 40_000, staticShared: 0, blocksPerSm: 5 }, // 233,472 / 41,088
  { block: 1000, registers: 32, dynamicShared: 0, staticShared: 0, blocksPerSm: 2 }, // 32 warps, the last not full
  { block: 96, registers: 40, dynamicShared: 0, staticShared: 0, blocksPerSm: 16 }, // 4 * 12 warps of 1,280 / 3
]

export function open() {
  const controls = createRequire(import.meta.url)(`${process.env.GPU_SUITE_FAKES}/opscope_fake_gpu.node`)
  const run = lines => controls.run(`${lines.flat(Infinity).join('\n')}\n`)

  let launched = 0
  /** One call and its kernel. */
  function launch(call, kernel, ns, stream, more = '') {
    launched += 1
    const lines = [`api ${call} dur=${LAUNCH_NS}${lie === 'thread' ? ' tid=1' : ''}`]
    if (lie === 'drop' && launched % 10 === 0) return lines
    if (lie === 'counted' && launched % 10 === 0) return [...lines, 'drop 1']
    const recorded = lie === 'slow' ? Math.round(ns * 1.2) : ns
    const odd = lie === 'uncorrelated' ? ` corr=${0x7000_0000 + launched}` : ''
    return [...lines, `kernel ${kernel} dur=${recorded} stream=${stream}${odd}${more}`]
  }
  const many = (count, line) => Array.from({ length: count }, (_, index) => line(index))
  const spins = (us, count, stream) => many(count, () => launch(CALLS.runtime, 'gs_spin_kernel', us * 1000, stream))
  const skewed = lines => (lie === 'skew' ? ['skew 50000', ...lines, 'skew 0'] : lines)

  function copyLines(direction, from, to, isAsync, bytes, ns, call) {
    const kind = direction === 'default' ? directionOf(from, to) : direction
    const recorded = lie === 'bytes' ? bytes - 1 : bytes
    const form = isAsync && lie !== 'form' ? ' async' : ''
    const memory = name => (lie === 'memory' && name === 'pinned' ? 'pageable' : name)
    const copy = `memcpy ${kind} ${memory(from)} ${memory(to)} bytes=${recorded}${form} dur=${ns} stream=${isAsync ? 13 : 7}`
    // What the host copies by itself leaves no record.
    return [
      `api ${call ?? (isAsync && lie !== 'form' ? 'cudaMemcpyAsync' : 'cudaMemcpy')}`,
      ...(kind === 'htoh' ? [] : [copy]),
    ]
  }

  return {
    device: () => ({
      name: 'Fake H200',
      devices: Number(process.env.FAKECUDA_DEVICES ?? 1),
      driver: 13000,
      runtime: 13000,
      compute: '9.0',
      multiprocessors: 132,
      memoryMiB: 143_771,
    }),
    sync: () => run(['sync device']),
    spinTimed(us, count, stream = 1) {
      run([spins(us, count, stream), 'sync stream'])
      return { eventUs: new Float32Array(count).fill(us + EVENT_PAIR_US), insideUs: new Float32Array(count).fill(us) }
    },
    spin: (us, count, stream = 1) => run(spins(us, count, stream)),
    // A launch takes 1 us of the thread: the streams start that much apart.
    spinStreams: (us, count, streams) =>
      run(many(count * streams, i => launch(CALLS.runtime, 'gs_spin_kernel', us * 1000, 1 + (i % streams)))),
    threadSpin: (us, count, threads) =>
      run(many(threads, thread => [`thread ${thread + 1}`, ...spins(us, count, thread + 1).flat()])),
    eventPairsUs: count => new Float32Array(count).fill(EVENT_PAIR_US),
    launch: (form, count, stream = 1) => run(many(count, () => launch(CALLS[form], KERNELS[form], 1000, stream))),
    launchAndWait: count =>
      run(
        skewed(many(count, () => [...launch(CALLS.runtime, KERNELS.runtime, 1000, 1), 'sync stream stream=1']).flat()),
      ),
    launchCostNs(form, count, threads = 1) {
      const each = Math.floor(count / threads)
      const before = controls.count('records')
      run(
        many(threads, thread => [
          ...(threads > 1 ? [`thread ${thread + 1}`] : []),
          ...many(each, () => launch(CALLS[form], KERNELS[form], 1000, thread + 1)).flat(),
        ]),
      )
      return lie === 'cost' && controls.count('records') > before ? LAUNCH_NS + 5000 : LAUNCH_NS
    },
    prepareCopies() {},
    copy(direction, from, to, isAsync, bytes) {
      run([copyLines(direction, from, to, isAsync, bytes, 2000), 'sync device'])
      return isAsync ? 1000 : 5000
    },
    copyShape(shape) {
      const bytes = SHAPE_BYTES[shape] ?? 200 * 64
      const isAsync = shape.includes('async') || shape.startsWith('batch')
      const [from, to] = shape === 'from symbol' ? ['device', 'pinned'] : ['pinned', 'device']
      run([copyLines(directionOf(from, to), from, to, isAsync, bytes, 2000), 'sync device'])
      return bytes
    },
    fill(width, isAsync, bytes) {
      const call = width === 1 ? (isAsync ? 'cudaMemsetAsync' : 'cudaMemset') : 'cuMemsetD8 driver'
      run([
        `api ${call}`,
        `memset bytes=${lie === 'bytes' ? bytes - 1 : bytes} dur=1000${isAsync ? ' async' : ''}`,
        'sync device',
      ])
    },
    timedCopies(direction, from, to, bytes, repeat) {
      const us = bytes / 50_000 // 50 GB/s
      const ns = Math.round(us * (lie === 'slow' ? 1200 : 1000))
      run(many(repeat, () => [...copyLines(direction, from, to, true, bytes, ns), 'sync stream stream=13']))
      return new Float32Array(repeat).fill(us + EVENT_PAIR_US)
    },
    copyBesideSpin: (us, bytes) =>
      run([spins(us, 1, 2), copyLines('htod', 'pinned', 'device', true, bytes, 2000), 'sync device']),
    allocate(count, released, bytes) {
      const memory = (word, index) => `memory ${word} bytes=${bytes} address=${(index + 1) * 0x10_0000}`
      const told = lie === 'bytes' ? released - 1 : released
      run([many(count, index => memory('alloc', index)), many(told, index => memory('free', index))])
    },
    peerCopies: (bytes, count) =>
      run(
        many(count, () => [
          'api cudaMemcpyAsync',
          `peer 0 1 bytes=${lie === 'bytes' ? bytes - 1 : bytes} async dur=2000`,
        ]),
      ),
    createGraph(nodes, us) {
      run([`graphlaunch n=${nodes} node-dur=${us * 1000} name=gs_node_kernel`, 'graphend', 'sync device'])
      return { nodes, us }
    },
    replayGraph({ nodes, us }, count) {
      const recorded = lie === 'node' ? nodes - 1 : nodes
      const nodeNs = us * (lie === 'slow' ? 1200 : 1000)
      run([
        many(count, () => [`graphlaunch n=${recorded} node-dur=${nodeNs} name=gs_node_kernel`, 'graphend']),
        'sync device',
      ])
      return { eventUs: nodes * us * count + EVENT_PAIR_US + count * 4, hostNs: LAUNCH_NS }
    },
    shapeCount: () => SHAPES.length,
    runShape(index) {
      const shape = SHAPES[index]
      const registers = shape.registers * (lie === 'occupancy' ? 2 : 1)
      const mangled = `_Z8gs_shapeILi${index}EEvPfi`
      const fields = `grid=2048 block=${shape.block} regs=${registers} static=${shape.staticShared} dynamic=${shape.dynamicShared}`
      run([launch(CALLS.runtime, mangled, 5000, 1, ` ${fields}`), 'sync device'])
      return { kernel: `gs_shape<${index}>`, threadsPerSm: 2048, ...shape }
    },
    ranges(count) {
      const marker = (name, at, ns) => (lie === 'marker' ? [] : [`marker "${name}" at=+${at} dur=${ns}`])
      run(
        many(count, index => {
          const at = index * 40_000
          return [
            ...marker('gs range', at, 30_000),
            ...(index % 2 === 1 ? marker('gs inner range', at + 2000, 20_000) : []),
            `api ${CALLS.runtime} at=+${at + 5000} dur=${LAUNCH_NS}`,
            `kernel ${KERNELS.runtime} dur=1000 stream=1`,
          ]
        }),
      )
    },
  }
}

function directionOf(from, to) {
  const letter = memory => (HOST_MEMORY.includes(memory) ? 'h' : 'd')
  return `${letter(from)}to${letter(to)}`
}
