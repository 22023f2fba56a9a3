// The suite's kernels on a GPU, through koffi.
import { COPY_SHAPES, FORMS } from './backend.mjs'
import { KERNELS, load } from './libraries.mjs'

const MEMORY = { pageable: 1, pinned: 2, device: 3, managed: 5 }
const DIRECTION = { htoh: 0, htod: 1, dtoh: 2, dtod: 3, default: 4 }
const NOT_SUPPORTED = 801

export function open() {
  const gs = load(
    KERNELS,
    'gs_error',
    [
      'int gs_open()',
      'int gs_device(_Out_ char *name, int bytes, _Out_ int *values)',
      'int gs_sync()',
      'int gs_spin(double us, int count, int stream, _Out_ float *event_us, _Out_ float *inside_us)',
      'int gs_spin_streams(double us, int count, int streams)',
      'int gs_event_pairs(int count, _Out_ float *us)',
      'int gs_launch(int form, int count, int stream)',
      'int gs_launch_and_wait(int count)',
      'int gs_launch_cost(int form, int count, int threads, _Out_ double *ns)',
      'int gs_thread_spin(double us, int count, int threads)',
      'int gs_copy_prepare(uint64_t bytes, int with_managed)',
      'int gs_copy(int kind, int from, int to, int is_async, uint64_t bytes, _Out_ double *host_ns)',
      'int gs_copy_shape(int which, _Out_ uint64_t *bytes)',
      'int gs_fill(int width, int is_async, uint64_t bytes)',
      'int gs_timed_copies(int kind, int from, int to, uint64_t bytes, int repeat, _Out_ float *event_us)',
      'int gs_copy_beside_spin(double us, uint64_t bytes)',
      'int gs_allocate(int count, int released, uint64_t bytes)',
      'int gs_peer_copies(uint64_t bytes, int count)',
      'int gs_graph_create(int nodes, double us, _Out_ void **graph)',
      'int gs_graph_replay(void *graph, int count, _Out_ float *event_us, _Out_ double *host_ns)',
      'int gs_shape_run(int index, _Out_ int *values)',
      'int gs_ranges(int count)',
    ],
    ['int gs_shape_count()'],
  )
  gs.gs_open()
  return {
    device() {
      const name = Buffer.alloc(256)
      const values = new Int32Array(11)
      gs.gs_device(name, name.length, values)
      const [devices, driver, runtime, major, minor, multiprocessors] = values
      const text = name.toString('utf8', 0, name.indexOf(0))
      return {
        name: text,
        devices,
        driver,
        runtime,
        compute: `${major}.${minor}`,
        multiprocessors,
        memoryMiB: values[10],
      }
    },
    sync: () => gs.gs_sync(),
    spinTimed(us, count, stream = 1) {
      const eventUs = new Float32Array(count)
      const insideUs = new Float32Array(count)
      gs.gs_spin(us, count, stream, eventUs, insideUs)
      return { eventUs, insideUs }
    },
    spin: (us, count, stream = 1) => gs.gs_spin(us, count, stream, null, null),
    spinStreams: (us, count, streams) => gs.gs_spin_streams(us, count, streams),
    threadSpin: (us, count, threads) => gs.gs_thread_spin(us, count, threads),
    eventPairsUs(count) {
      const us = new Float32Array(count)
      gs.gs_event_pairs(count, us)
      return us
    },
    launch: (form, count, stream = 1) => gs.gs_launch(FORMS.indexOf(form), count, stream),
    launchAndWait: count => gs.gs_launch_and_wait(count),
    launchCostNs(form, count, threads = 1) {
      const ns = new Float64Array(1)
      gs.gs_launch_cost(FORMS.indexOf(form), count, threads, ns)
      return ns[0]
    },
    prepareCopies: (bytes, hasManaged) => gs.gs_copy_prepare(bytes, hasManaged ? 1 : 0),
    copy(direction, from, to, isAsync, bytes) {
      const hostNs = new Float64Array(1)
      gs.gs_copy(DIRECTION[direction], MEMORY[from], MEMORY[to], isAsync ? 1 : 0, bytes, hostNs)
      return hostNs[0]
    },
    copyShape(shape) {
      const bytes = new BigUint64Array(1)
      try {
        gs.gs_copy_shape(COPY_SHAPES.indexOf(shape), bytes)
      } catch (error) {
        if (error.code === NOT_SUPPORTED) return undefined
        throw error
      }
      return Number(bytes[0])
    },
    fill: (width, isAsync, bytes) => gs.gs_fill(width, isAsync ? 1 : 0, bytes),
    timedCopies(direction, from, to, bytes, repeat) {
      const eventUs = new Float32Array(repeat)
      gs.gs_timed_copies(DIRECTION[direction], MEMORY[from], MEMORY[to], bytes, repeat, eventUs)
      return eventUs
    },
    copyBesideSpin: (us, bytes) => gs.gs_copy_beside_spin(us, bytes),
    allocate: (count, released, bytes) => gs.gs_allocate(count, released, bytes),
    peerCopies: (bytes, count) => gs.gs_peer_copies(bytes, count),
    createGraph(nodes, us) {
      const graph = [null]
      gs.gs_graph_create(nodes, us, graph)
      return graph[0]
    },
    replayGraph(graph, count) {
      const eventUs = new Float32Array(1)
      const hostNs = new Float64Array(1)
      gs.gs_graph_replay(graph, count, eventUs, hostNs)
      return { eventUs: eventUs[0], hostNs: hostNs[0] }
    },
    shapeCount: () => gs.gs_shape_count(),
    runShape(index) {
      const values = new Int32Array(6)
      gs.gs_shape_run(index, values)
      const [block, dynamicShared, staticShared, registers, blocksPerSm, threadsPerSm] = values
      return { kernel: `gs_shape<${index}>`, block, dynamicShared, staticShared, registers, blocksPerSm, threadsPerSm }
    },
    ranges: count => gs.gs_ranges(count),
  }
}
