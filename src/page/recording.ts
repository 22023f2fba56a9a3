// What the page knows of a recording: columns as decoded from the file, one element a row. Plain arrays of numbers,
// read by everything on the page and changed by nothing. Times are ns since the start of the session.

export {
  CATEGORIES,
  FLAG_ASYNC,
  FLAG_ERROR,
  FLAG_TIMED,
  FLAG_UNFINISHED,
  MEMORY_KINDS,
  ROLES,
} from '../recording-codes.js'

/** `NameEntry` of the recording; `category` and `role` index {@link CATEGORIES} and {@link ROLES}. */
export interface PageName {
  text: string
  instance: string
  category: number
  role: number
}
export interface PageThread {
  name: string
  osThreadId: number
  /** -1: a thread that runs no JavaScript; 0: the main thread. */
  jsThreadId: number
  /** Its rows in {@link PageRecording.spans}. */
  firstRow: number
  rowCount: number
  /** Index into {@link PageRecording.processes}. */
  process: number
}
/** Its own name, `main`, `worker 2`, its number in the system, or without that its index. */
export function threadName({ name, jsThreadId, osThreadId }: PageThread, index: number): string {
  if (name !== '') return name
  if (jsThreadId === 0) return 'main'
  return jsThreadId > 0 ? `worker ${jsThreadId}` : `thread ${osThreadId > 0 ? osThreadId : index}`
}
export interface PageProcess {
  name: string
  host: string
  id: number
}

/** Values of `gpu.kind`. */
export const GPU_KERNEL = 0
export const GPU_COPY = 1
export const GPU_FILL = 2
export const GPU_SYNC = 3

export interface PageRecording {
  durationNs: number
  names: readonly PageName[]
  /** At least one. */
  processes: readonly PageProcess[]
  threads: readonly PageThread[]
  /** What string indices refer to: names of launches and GPU work, keys and values of attributes. */
  strings: readonly string[]
  /** Of GPU streams that were given one; absent: none was. */
  streamNames?: readonly { context: number; stream: number; name: string }[]
  pauses: readonly { startNs: number; endNs: number; process: number }[]
  /** Rows of one thread follow each other in the order of their begins, parents before their children of that thread. */
  spans: {
    startNs: Float64Array
    durationNs: Float64Array
    /** Into names. */
    name: Uint32Array
    /** Row of the span around it, -1: none. Of another thread, it may be a row further on. */
    parent: Int32Array
    flags: Uint8Array
  }
  /** When the synchronous part of an async span returned; ascending by row. */
  returns: { row: Uint32Array; atNs: Float64Array }
  /** API calls on host threads that caused GPU work: by thread, then start. */
  launches: {
    startNs: Float64Array
    durationNs: Float64Array
    /** Into strings. */
    name: Uint32Array
    thread: Uint32Array
    /** Row of the span it belongs to, -1: none. */
    span: Int32Array
  }
  /** What GPUs did, by start. */
  gpu: {
    startNs: Float64Array
    durationNs: Float64Array
    kind: Uint8Array
    /** Into strings. */
    name: Uint32Array
    device: Uint32Array
    context: Uint32Array
    stream: Uint32Array
    /** Of copies and fills. */
    bytes: Float64Array
    /** Into {@link MEMORY_KINDS}; of copies. */
    from: Uint8Array
    to: Uint8Array
    /** Row of launches, -1: none. */
    launch: Int32Array
    /** Row of the span that its launch belongs to, -1: none. */
    span: Int32Array
  }
  /** By thread, then time; as marks are. */
  counters: {
    thread: Uint32Array
    /** Into names. */
    name: Uint32Array
    atNs: Float64Array
    value: Float64Array
  }
  marks: {
    thread: Uint32Array
    /** Into names. */
    name: Uint32Array
    atNs: Float64Array
    /** Row of spans, -1: none. */
    span: Int32Array
  }
  /** Attributes of spans, ascending by row, in the order they were set; keys and values are strings. Not all, where there are very many. */
  attributes: { row: Uint32Array; key: Uint32Array; value: Uint32Array }
}
