// What a page is given, made from a capture in plain sight: the model by the functions of src/model, the columns as
// they lie in the recording. For tests of panels, which need no file.
import { native, type TimeOf } from '../../src/binding.js'
import { Capture } from '../../src/capture.js'
import { parseMeta } from '../../src/model/capture-meta.js'
import { eventLoop } from '../../src/model/event-loop.js'
import { opRows, type ReportSource } from '../../src/model/ops.js'
import { compareBy } from '../../src/model/order.js'
import { type OpNode, opTree, walk } from '../../src/model/tree.js'
import type { PageModel, PageOp } from '../../src/page/page-model.js'
import type { PageRecording } from '../../src/page/recording.js'

export interface PageInput {
  model: PageModel
  recording: PageRecording
}

export async function sourceOf(capture: Capture): Promise<ReportSource> {
  const recording = Capture.recordingOf(capture)
  const view = native().view(recording)
  const meta = parseMeta(view.metaJson)
  const tables = await native().tables(recording, (['CPU', 'GPU', 'All'] as const).indexOf(meta.state) as TimeOf)
  return { view, ...tables, meta }
}

export async function pageInput(capture: Capture): Promise<PageInput> {
  const source = await sourceOf(capture)
  return { model: modelOf(capture, source), recording: recordingOf(source) }
}

function modelOf(capture: Capture, source: ReportSource): PageModel {
  const { view, meta } = source
  const ops = pageOps(source)
  return {
    opscope: '0.0.0',
    title: meta.program ?? 'capture',
    state: capture.state,
    sortedKey: meta.sortedKey ?? 'default',
    durationNs: view.durationNs,
    originEpochNs: String(view.originEpochNs),
    host: capture.host,
    gpu: capture.gpu,
    attributes: capture.attributes,
    missing: capture.warnings.map(({ code, count, detail }) => ({ code, count, text: detail })),
    findings: capture.findings().map(finding => {
      const op = ops.findIndex(row => pathText(ops, row) === finding.op.join('/'))
      return {
        ...finding,
        place: op >= 0 ? { kind: 'op' as const, op } : { kind: 'section' as const, section: 'ops' as const },
      }
    }),
    overhead: capture.overhead(),
    ops,
    asyncOps: capture.asyncOps(),
    copies: capture.copies(),
    kernels: capture.kernels(),
    devices: capture.devices(),
    gaps: capture.gaps(),
    syncs: capture.syncs(),
    memory: capture.memory(),
    eventLoop: eventLoop(source),
    spanCount: view.spans.name.length,
    columns: [],
    names: view.names,
    threads: view.threads,
    processes:
      view.processes.length > 0 ? view.processes.map(({ name, host, id }) => ({ name, host, id })) : [OWN_PROCESS],
    strings: view.strings,
    pauses: view.pauses,
  }
}
const OWN_PROCESS = { name: '', host: '', id: 0 }

function pathText(ops: readonly PageOp[], row: PageOp): string {
  const names = [row.name]
  for (let at = row; ; at = ops[at.parent]!) {
    if (at.parent < 0) return [...at.above, ...names].join('/')
    names.unshift(ops[at.parent]!.name)
  }
}

/** Rows of the op table with their parents, in the order of the report. */
export function pageOps(source: ReportSource): PageOp[] {
  const rows = opRows(source, { sortedKey: 'default' })
  const index = new Map<OpNode, number>()
  // The same walk as the rows': they lie side by side.
  return [...walk(opTree(source, 'merged'), () => true, compareBy('default'))].map((node, at) => {
    index.set(node, at)
    const { path, thread: _thread, ratio: _ratio, aveNs: _ave, depth: _depth, ...row } = rows[at]!
    return {
      ...row,
      parent: node.parent === undefined ? -1 : index.get(node.parent)!,
      above: node.parent === undefined ? path.slice(0, -1) : [],
    }
  })
}

/** The recording's columns as the page has them: times as numbers. */
export function recordingOf({ view }: ReportSource): PageRecording {
  const { spans, launches, gpu } = view
  const ns = (column: BigInt64Array): Float64Array => Float64Array.from(column, Number)
  const names = new Map(view.strings.map((text, at) => [text, at]))
  const strings = [...view.strings]
  const string = (text: string): number => {
    const at = names.get(text) ?? strings.length
    if (at === strings.length) strings.push(text)
    names.set(text, at)
    return at
  }
  const attributes = {
    row: Uint32Array.from(view.attributes, ({ row }) => row),
    key: Uint32Array.from(view.attributes, ({ key }) => string(key)),
    value: Uint32Array.from(view.attributes, ({ value }) => string(String(value))),
  }
  return {
    durationNs: view.durationNs,
    names: view.names,
    processes: view.processes.length > 0 ? view.processes : [OWN_PROCESS],
    threads: view.threads,
    strings,
    pauses: view.pauses,
    spans: { ...spans, startNs: ns(spans.startNs), durationNs: ns(spans.durationNs) },
    returns: { row: view.asyncs.row, atNs: view.asyncs.returnNs },
    launches: { ...launches, durationNs: launches.endNs.map((end, row) => end - launches.startNs[row]!) },
    gpu: { ...gpu, durationNs: gpu.endNs.map((end, row) => end - gpu.startNs[row]!) },
    counters: view.counters,
    marks: view.marks,
    attributes,
  }
}
