// The GPU that a test drives. Two implement it: real-gpu.mjs calls kernels on a GPU, fake-gpu.mjs writes scripts for
// the fake CUPTI, whose truths are known. What a method returns is the truth of somebody who knows nothing of CUPTI.

/**
 * @typedef {'runtime' | 'plain' | 'ex' | 'driver' | 'driverEx' | 'cooperative'} Form
 *   <<<>>>, cudaLaunchKernel, cudaLaunchKernelExC, cuLaunchKernel, cuLaunchKernelEx, cudaLaunchCooperativeKernel
 * @typedef {'pageable' | 'pinned' | 'device' | 'managed'} Memory
 * @typedef {'htoh' | 'htod' | 'dtoh' | 'dtod' | 'default'} Direction
 * @typedef {{ name: string, devices: number, driver: number, runtime: number, compute: string,
 *   multiprocessors: number, memoryMiB: number }} DeviceFacts
 * @typedef {{ kernel: string, block: number, dynamicShared: number, staticShared: number, registers: number,
 *   blocksPerSm: number, threadsPerSm: number }} Shape
 * @typedef {object} Gpu
 * @property {() => DeviceFacts} device
 * @property {() => void} sync
 * @property {(us: number, count: number, stream?: number) => { eventUs: Float32Array, insideUs: Float32Array }} spinTimed
 *   gs_spin_kernel, each between two events, and by the GPU's own timer from inside; waits
 * @property {(us: number, count: number, stream?: number) => void} spin  does not wait
 * @property {(us: number, count: number, streams: number) => void} spinStreams  count on each, at the same time
 * @property {(us: number, count: number, threads: number) => void} threadSpin  from native threads; does not wait
 * @property {(count: number) => Float32Array} eventPairsUs  two events with nothing in between
 * @property {(form: Form, count: number, stream?: number) => void} launch  gs_empty_<form>; does not wait
 * @property {(count: number) => void} launchAndWait
 * @property {(form: Form, count: number, threads?: number) => number} launchCostNs  on the launching thread
 * @property {(bytes: number, hasManaged: boolean) => void} prepareCopies
 * @property {(direction: Direction, from: Memory, to: Memory, isAsync: boolean, bytes: number) => number} copy
 *   waits; ns that the call kept the host
 * @property {(shape: string) => number | undefined} copyShape  of COPY_SHAPES; bytes moved, undefined: not offered
 * @property {(width: 1 | 2 | 4, isAsync: boolean, bytes: number) => void} fill
 * @property {(direction: Direction, from: Memory, to: Memory, bytes: number, repeat: number) => Float32Array} timedCopies
 * @property {(us: number, bytes: number) => void} copyBesideSpin  a copy while a kernel runs; waits
 * @property {(count: number, released: number, bytes: number) => void} allocate
 * @property {(bytes: number, count: number) => void} peerCopies
 * @property {(nodes: number, us: number) => unknown} createGraph  of gs_node_kernel; launched once already
 * @property {(graph: unknown, count: number) => { eventUs: number, hostNs: number }} replayGraph
 * @property {() => number} shapeCount
 * @property {(index: number) => Shape} runShape
 * @property {(count: number) => void} ranges  NVTX "gs range"; every second has "gs inner range" in it
 */

export const FORMS = ['runtime', 'plain', 'ex', 'driver', 'driverEx', 'cooperative']
export const COPY_SHAPES = ['2D', '2D async', '3D', '3D async', 'to symbol', 'from symbol', 'batch of 3']

/** @returns {Promise<Gpu>} */
export async function openGpu() {
  const { open } = await import(process.env.GPU_SUITE_BACKEND === 'fake' ? './fake-gpu.mjs' : './real-gpu.mjs')
  return open()
}
