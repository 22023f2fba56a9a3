// The layout of trace_summary.py.
import { floorDivide, pythonDivide, pythonFloat } from '../python-text.js'
import {
  type FrontEnd,
  type ShownTrace,
  type SpanName,
  sumOf,
  type TritonGroup,
  type TritonVersion,
} from './triton-passes.js'

/** ns over `parts` traces as the µs of one. */
function microseconds(ns: bigint, parts: number, version: TritonVersion): string {
  const divisor = BigInt(parts) * 1000n
  return version === 'v1' ? String(floorDivide(ns, divisor)) : pythonFloat(pythonDivide(ns, divisor))
}

/** The stamps of each trace, as `-t` shows them. */
export function shownText(shown: ShownTrace[], version: TritonVersion): string {
  shown.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
  const lines: string[] = []
  for (const { id, hasId, parentId, model, stamps } of shown) {
    lines.push(`${model.name} (${model.version}):`)
    if (hasId) lines.push(`\tid: ${id}`)
    if (parentId !== undefined) lines.push(`\tparent id: ${parentId}`)
    for (const [at, { name, ns }] of stamps.entries()) {
      if (at > 0) lines.push(`\t\t${microseconds(ns - stamps[at - 1]!.ns, 1, version)}us`)
      lines.push(`\t${name}`)
    }
  }
  return lines.map(line => `${line}\n`).join('')
}

export function groupsText(groups: readonly TritonGroup[], frontEnd: FrontEnd, version: TritonVersion): string {
  return groups.map(group => groupText(group, frontEnd, version)).join('')
}

function groupText(group: TritonGroup, frontEnd: FrontEnd, version: TritonVersion): string {
  const lines: string[] = []
  const sum = (span: SpanName) => sumOf(group, span)
  const has = (...spans: SpanName[]) => spans.every(span => group.sums.has(span))
  const add = (tabs: number, label: string, ns: bigint) => {
    lines.push(`${'\t'.repeat(tabs)}${label} (avg): ${microseconds(ns, group.count, version)}us`)
  }
  lines.push(`Summary for ${group.model.name} (${group.model.version}): trace count = ${group.count}`)
  if (has('INFER')) {
    add(0, `${frontEnd} infer request`, sum('INFER'))
    if (has('RECEIVE')) add(1, frontEnd === 'HTTP' ? 'Receive' : 'Wait/Read', sum('RECEIVE'))
    add(1, 'Send', sum('SEND'))
    if (has('RECEIVE')) add(1, 'Overhead', sum('INFER') - sum('REQUEST') - sum('RECEIVE') - sum('SEND'))
    // Since v1.13.
    if (!version.startsWith('v1')) lines.push('')
  }
  add(1, 'Handler', sum('REQUEST'))
  if (has('QUEUE', 'COMPUTE')) {
    add(2, 'Overhead', sum('REQUEST') - sum('QUEUE') - sum('COMPUTE'))
    add(2, 'Queue', sum('QUEUE'))
    add(2, 'Compute', sum('COMPUTE'))
  }
  if (has('COMPUTE_INPUT', 'COMPUTE_OUTPUT')) {
    add(3, 'Input', sum('COMPUTE_INPUT'))
    add(3, 'Infer', sum('COMPUTE_INFER'))
    add(3, 'Output', sum('COMPUTE_OUTPUT'))
  }
  return lines.map(line => `${line}\n`).join('')
}
