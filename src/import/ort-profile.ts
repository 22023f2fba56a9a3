// ONNX Runtime's own profile (SessionOptions.enableProfiling): a bare array of X events, times in whole µs.
// A node's `<name>_kernel_time` becomes an op named by args.op_name, with the node as its instance and
// the whole of it as compute; session events (model_run, SequentialExecutor::Execute) enclose the ops.
// GPU kernels (cat "Kernel") stand behind the node that launched them. Ignored: _fence_before, _fence_after
// (they take no time), "Api" events.
import { GPU_KINDS } from '../binding.js'
import type { Dialect } from './chrome.js'
import { argsOf, idOf, nameOf, numberOf, type TraceEvent, textOf } from './chrome-event.js'
import type { ChromeRows } from './chrome-rows.js'

const KERNEL_TIME = '_kernel_time'

interface Span {
  startNs: number
  endNs: number
  event: TraceEvent
}

export class OrtDialect implements Dialect {
  // Kept until the end: see #widen().
  readonly #byThread = new Map<string, Span[]>()
  readonly #kernels: { event: TraceEvent; startNs: number; node: Span | undefined }[] = []
  #lastNode: Span | undefined

  static fits(events: TraceEvent[]): boolean {
    return events.some(event => event.cat === 'Session' || (event.cat === 'Node' && 'op_name' in argsOf(event)))
  }

  take(event: TraceEvent, startNs: number, rows: ChromeRows): boolean {
    const category = textOf(event.cat)
    if (event.ph !== 'X' || !['Session', 'Node', 'Kernel', 'Api'].includes(category)) {
      return false
    }
    const span = { startNs, endNs: startNs + (rows.durationNs(event) ?? 0), event }
    if (category === 'Kernel') {
      this.#kernels.push({ event, startNs, node: this.#lastNode })
    } else if (category === 'Session' || nameOf(event).endsWith(KERNEL_TIME)) {
      this.#lastNode = category === 'Node' ? span : this.#lastNode
      const key = `${textOf(event.pid)}:${textOf(event.tid)}`
      const spans = this.#byThread.get(key)
      if (spans === undefined) {
        this.#byThread.set(key, [span])
      } else {
        spans.push(span)
      }
    }
    return true
  }

  finish(rows: ChromeRows): void {
    for (const spans of this.#byThread.values()) {
      widen(spans)
      for (const [index, span] of spans.entries()) {
        const next = spans[index + 1]
        addSpan(rows, span, next !== undefined && next.startNs < span.endNs)
      }
    }
    for (const [index, { event, startNs, node }] of this.#kernels.entries()) {
      const correlationId = BigInt(index + 1)
      if (node !== undefined) {
        rows.builder.addLaunch(rows.thread(node.event), 'launch', node.startNs, node.startNs, correlationId)
      }
      rows.builder.addGpu({
        kind: GPU_KINDS.indexOf('kernel'),
        from: 0,
        to: 0,
        name: nameOf(event),
        device: 0,
        context: 0,
        stream: Number(BigInt.asUintN(32, idOf(argsOf(event).stream))),
        startNs,
        endNs: startNs + (rows.durationNs(event) ?? 0),
        correlationId: node === undefined ? 0n : correlationId,
        bytes: 0,
      })
    }
  }
}

// A node that runs others (If, Loop, Scan) computes nothing itself.
function addSpan(rows: ChromeRows, { event, startNs, endNs }: Span, hasChildren: boolean): void {
  const { builder } = rows
  const thread = rows.thread(event)
  const text = nameOf(event)
  if (event.cat === 'Session') {
    const name = builder.name(text, text === 'model_run' ? 'inference' : 'section')
    rows.attributes(builder.addSpan(thread, name, startNs, endNs), event)
    return
  }
  const opName = textOf(argsOf(event).op_name) || 'node'
  const nodeName = text.slice(0, -KERNEL_TIME.length) || `${opName} ${numberOf(argsOf(event).node_index) ?? ''}`
  builder.addSpan(thread, builder.name(opName, 'cpu_op'), startNs, endNs)
  const instance = builder.addSpan(thread, builder.name(opName, 'cpu_op', 'instance', nodeName), startNs, endNs)
  if (!hasChildren) {
    builder.addSpan(thread, builder.name('compute', 'cpu_op', 'phase'), startNs, endNs)
  }
  rows.attributes(instance, event, new Set(['op_name']))
}

// Start and duration are both cut to whole µs, so that the end of a parent can come out up to 1 µs
// before the end of its last child. The parent is then as long as the child; true neighbours begin
// no earlier than that.
function widen(spans: Span[]): void {
  spans.sort((a, b) => a.startNs - b.startNs || b.endNs - a.endNs)
  const open: Span[] = []
  for (const span of spans) {
    while (open.length > 0 && (open.at(-1) as Span).endNs <= span.startNs) {
      open.pop()
    }
    for (const parent of open) {
      if (span.endNs > parent.endNs && span.endNs <= parent.endNs + 1000) {
        parent.endNs = span.endNs
      }
    }
    open.push(span)
  }
}
