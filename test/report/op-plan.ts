// Added-up figures of a printed report → single spans, API calls and GPU rows that add up to them, so that the
// whole way from rows to text is under test. Milliseconds, as in the reports.
import { expect } from 'vitest'

import type { MemoryKind } from '../../src/binding.js'
import type { ReportOptions } from '../../src/capture.js'
import { buildCapture, type CaptureRows, type GpuRow, type LaunchRow, type SpanRow } from '../../src/rows.js'

export interface PlannedOp {
  name: string
  calls: number
  cpuMs: number
  gpuMs: number
  role?: SpanRow['role']
  instance?: string
  children: PlannedOp[]
}
export function op(name: string, calls: number, cpuMs: number, gpuMs = 0, children: PlannedOp[] = []): PlannedOp {
  return { name, calls, cpuMs, gpuMs, children }
}
export function phase(name: string, calls: number, cpuMs: number, gpuMs = 0, children: PlannedOp[] = []): PlannedOp {
  return { ...op(name, calls, cpuMs, gpuMs, children), role: 'phase' }
}
export function instance(
  type: string,
  variable: string,
  calls: number,
  cpuMs: number,
  gpuMs = 0,
  children: PlannedOp[] = [],
): PlannedOp {
  return { ...op(type, calls, cpuMs, gpuMs, children), role: 'instance', instance: variable }
}

type Rows = Required<Pick<CaptureRows, 'spans' | 'launches' | 'gpu'>>

/** Rows of the threads, in the order given: the calls of an op follow each other, those of a child lie inside. */
export function rowsOf(threads: Record<string, PlannedOp[]>, extra: Partial<CaptureRows> = {}): CaptureRows {
  const rows: Rows = { spans: [], launches: [], gpu: [] }
  for (const [thread, ops] of Object.entries(threads)) {
    const planner = new Planner(thread, rows)
    let atNs = 0
    for (const planned of ops) {
      const calls = callsOf(planned)
      for (const call of calls) {
        planner.place(call, atNs)
        atNs += call.cpuNs
      }
    }
  }
  return { threads: Object.keys(threads), ...rows, ...extra }
}

/** One call of a planned op. */
interface Call {
  planned: PlannedOp
  cpuNs: number
  ownGpuNs: number
  children: Call[]
}

function callsOf(planned: PlannedOp): Call[] {
  const inner = planned.children.flatMap(callsOf)
  const innerCpuNs = inner.reduce((sum, call) => sum + call.cpuNs, 0)
  const innerGpuNs = planned.children.reduce((sum, child) => sum + ns(child.gpuMs), 0)
  // A call is as long as its children and an even share of the op's own time.
  const own = split(ns(planned.cpuMs) - innerCpuNs, planned.calls)
  const ownGpu = split(ns(planned.gpuMs) - innerGpuNs, planned.calls)
  const calls: Call[] = own.map((cpuNs, index) => ({ planned, cpuNs, ownGpuNs: ownGpu[index]!, children: [] }))
  // In turn, so that instances take different calls of their type.
  for (const [index, child] of inner.entries()) {
    const call = calls[index % calls.length]!
    call.children.push(child)
    call.cpuNs += child.cpuNs
  }
  return calls
}
const ns = (ms: number) => Math.round(ms * 1e6)
// Whole ns that add up; the first parts take what does not divide.
function split(totalNs: number, parts: number): number[] {
  const share = Math.floor(totalNs / parts)
  return Array.from({ length: parts }, (_, index) => share + (index < totalNs - share * parts ? 1 : 0))
}

const MEMORY: Record<string, [MemoryKind, MemoryKind]> = {
  'GPU->CPU': ['device', 'pageable'],
  'CPU->GPU': ['pageable', 'device'],
  'GPU->GPU': ['device', 'device'],
}
const KERNEL_NAME = 'kernel'

class Planner {
  #gpuNs = 0
  constructor(
    readonly thread: string,
    readonly rows: Rows,
  ) {}

  place({ planned, cpuNs, ownGpuNs, children }: Call, startNs: number): void {
    const { name, role, instance } = planned
    if (name.startsWith('GpuMemcpy')) {
      const [from, to] = MEMORY[name.split(':')[1] ?? '']!
      this.#launch(
        name.includes('Async') ? 'cudaMemcpyAsync' : 'cudaMemcpy',
        startNs,
        startNs + cpuNs,
        { kind: 'copy', name, from, to },
        ownGpuNs,
      )
      return
    }
    const span: SpanRow = { thread: this.thread, name, startNs, endNs: startNs + cpuNs }
    this.rows.spans.push({ ...span, ...(role && { role }), ...(instance && { instance }) })
    if (ownGpuNs > 0) {
      this.#launch('cudaLaunchKernel', startNs, startNs, { kind: 'kernel', name: KERNEL_NAME }, ownGpuNs)
    }
    // 1 ns on, so that a launch at the start is the op's own. Instances and phases leave as much at the end.
    let atNs = startNs + 1
    for (const child of children) {
      this.place(child, atNs)
      atNs += child.cpuNs
    }
    if (children.length > 0 && atNs > startNs + cpuNs) {
      throw new Error(`the children of ${name} do not fit: ${atNs - startNs} of ${cpuNs} ns`)
    }
  }
  #launch(
    name: string,
    startNs: number,
    endNs: number,
    work: Pick<GpuRow, 'kind' | 'name' | 'from' | 'to'>,
    gpuNs: number,
  ): void {
    const correlationId = this.rows.launches.length + 1
    this.rows.launches.push({ thread: this.thread, name, startNs, endNs, correlationId } satisfies LaunchRow)
    this.#gpuNs = Math.max(this.#gpuNs, startNs)
    this.rows.gpu.push({
      ...work,
      stream: 7,
      startNs: this.#gpuNs,
      endNs: this.#gpuNs + gpuNs,
      correlationId,
      bytes: 1024,
    })
    this.#gpuNs += gpuNs
  }
}

/** The report in Paddle's layout, of rows that contradict nothing. */
export async function paddleReport(rows: CaptureRows, options: ReportOptions = {}): Promise<string> {
  const capture = await buildCapture(rows)
  expect(capture.warnings).toEqual([])
  return capture.report({ style: 'paddle', sortedKey: 'total', ...options })
}

/** A line of the event table. */
export interface PrintedRow {
  depth: number
  name: string
  calls: number
  total: string
  min: string
  max: string
  ave: string
  ratio: string
  cpu?: string
  cpuRatio?: string
  gpu?: string
  gpuRatio?: string
}

/** The tables of a report in Paddle's layout, in the order printed. */
export function tablesOf(report: string): PrintedRow[][] {
  return report
    .split('     Profiling Report     ')
    .slice(1)
    .map(text => {
      const lines = text.slice(text.indexOf('\nEvent ') + 1).split('\n')
      return lines
        .slice(1)
        .filter(line => line.trim() !== '')
        .map(parseRow)
    })
}
function parseRow(line: string): PrintedRow {
  const cells = line.trim().split(/\s+/)
  const [name = '', calls, total = ''] = cells
  const [min = '', max = '', ave = '', ratio = ''] = cells.slice(-4)
  const [cpu, cpuRatio, gpu, gpuRatio] = cells.slice(3, -4).map(cell => cell.replace(/[()]/g, ''))
  const both = cpu === undefined ? {} : { cpu, cpuRatio: cpuRatio!, gpu: gpu!, gpuRatio: gpuRatio! }
  return { depth: line.search(/\S/) / 2, name, calls: Number(calls), total, min, max, ave, ratio, ...both }
}
/** The lines above the first event table that begin with the label, blanks made single. */
export function figures(report: string, label: string): string | undefined {
  const line = report.split('\n').find(text => text.trimStart().startsWith(label))
  return line?.trim().replace(/\s+/g, ' ')
}
