// Reads the Chrome trace that ONNX Runtime's profiler writes (onnxruntime/core/common/profiler.cc):
// one complete ("X") event a line, times in µs since the profiler's start. Used are category "Node"
// (`<node>_kernel_time`; older versions also `_fence_before`, `_fence_after`) and "Session" `model_run`.
// Ignored: shapes, memory and thread statistics in `args`, kernels of GPU providers, loading.
// Verified with 1.30: a run's nodes precede its `model_run` line; a run refused before its first node
// leaves no line at all; one whose kernel fails leaves its first nodes and a `model_run`.

/** One executed node. Times in µs on the profiler's clock. */
export interface OrtNode {
  name: string
  /** Operator type, such as `Conv`. */
  op: string
  threadId: string
  startUs: number
  durationUs: number
  /** Index of the control-flow node that ran it, -1 at the top of the graph. */
  parent: number
  /** It ran other nodes (`If`, `Loop`, `Scan`): its time is not a kernel's. */
  hasChildren: boolean
}

/** One inference, in the order of the runs. */
export interface OrtRun {
  startUs: number
  durationUs: number
  /** In the order in which they ended: a node comes after the nodes that it ran. */
  nodes: OrtNode[]
  /** Lines that it added to the profile. */
  eventCount: number
}

const KERNEL_TIME = '_kernel_time'
const KERNEL_TIME_AT_END = /_kernel_time$/
const TEXT = String.raw`"((?:[^"\\]|\\.)*)"`
// Patterns, not JSON.parse: the keys of `args` come in random order, which makes parsing all of it
// 6 times as dear (9 against 1.6 ms for 2,000 events), on the JavaScript thread.
const HEAD = new RegExp(
  String.raw`"cat"\s*:\s*"(Node|Session)".*?"tid"\s*:\s*(\d+).*?"dur"\s*:\s*(\d+).*?"ts"\s*:\s*(\d+).*?"name"\s*:\s*${TEXT}`,
)
const OP_NAME = new RegExp(String.raw`"op_name"\s*:\s*${TEXT}`)

/** Takes the lines of a profile one by one. A line that is cut or of another kind is skipped. */
export class OrtProfileReader {
  readonly runs: OrtRun[] = []
  #nodes: OrtNode[] = []
  #eventCount = 0
  // Each text once: a part of a line would keep the whole line in memory.
  readonly #texts = new Map<string, string>()

  takeLine(line: string): void {
    const head = HEAD.exec(line)
    if (head === null) return
    const [, category, threadId, duration, start] = head
    const durationUs = Number(duration)
    const startUs = Number(start)
    const name = this.#text(head[5]!)
    this.#eventCount++
    if (category === 'Node' && head[5]!.endsWith(KERNEL_TIME)) {
      const op = this.#text(OP_NAME.exec(line)?.[1] ?? 'unknown')
      this.#nodes.push({ name, op, threadId: threadId!, startUs, durationUs, parent: -1, hasChildren: false })
    } else if (name === 'session_initialization') {
      this.#eventCount = 0
    } else if (name === 'model_run') {
      // Nodes older than the run would be those of a run that left no `model_run`.
      const nodes = this.#nodes.filter(node => node.startUs >= startUs)
      nest(nodes)
      this.runs.push({ startUs, durationUs, nodes, eventCount: this.#eventCount })
      this.#nodes = []
      this.#eventCount = 0
    }
  }

  #text(written: string): string {
    let text = this.#texts.get(written)
    if (text === undefined) {
      text = plainText(written).replace(KERNEL_TIME_AT_END, '')
      this.#texts.set(written, text)
    }
    return text
  }
}

// Nodes come in the order of their ends, so a node contains those before it on its thread that began
// after it. Equal starts are neighbours: times are cut to whole µs, and an `If` takes longer than one
// to reach its branch.
function nest(nodes: OrtNode[]): void {
  const openByThread = new Map<string, number[]>()
  for (const [index, node] of nodes.entries()) {
    const open = openByThread.get(node.threadId) ?? []
    openByThread.set(node.threadId, open)
    while (open.length > 0 && nodes[open.at(-1)!]!.startUs > node.startUs) {
      nodes[open.pop()!]!.parent = index
      node.hasChildren = true
    }
    open.push(index)
  }
}

function plainText(text: string): string {
  if (!text.includes('\\')) return text
  try {
    return JSON.parse(`"${text}"`) as string
  } catch {
    return text
  }
}
