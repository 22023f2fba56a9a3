// The data flow of trace_summary.py, v2.19 on: a frame for each trace, those that it led to within.
import type { DataFlowChoice, FlowNode } from './data-flow.js'
import { numpyText } from './numpy-text.js'
import type { TraceModel } from './read-traces.js'
import { TRACE_HAS_VERSION, TRACE_WHOLE } from './slots.js'

const KINDS = ['QUEUE_INPUT', 'BACKEND_INPUT', 'BACKEND_OUTPUT']

export function dataFlowText({ chosen: top, hasParents }: DataFlowChoice, models: readonly TraceModel[]): string {
  // It takes 0 for no id.
  if (top === undefined || (!hasParents && top.id === 0n)) return ''
  const lines: string[] = []
  // The script takes the number of traces that led to others for their depth.
  const depth = hasParents ? innerCount(top) : 0
  const add = (node: FlowNode, step: number) => {
    const tabs = '\t'.repeat(step + 1)
    const frame = tabs + '='.repeat(Math.max(0, 50 + 8 * (depth - step)))
    if (node.id !== 0n) lines.push(frame, ...contentLines(node, tabs, models), frame)
    for (const child of node.children) add(child, step + 1)
  }
  add(top, 0)
  return ['Data Flow:', ...lines].map(line => `${line}\n`).join('')
}

const innerCount = (node: FlowNode): number =>
  node.children.length === 0 ? 0 : node.children.reduce((sum, child) => sum + innerCount(child), 1)

// It names only what it has put together for a summary, or found as one object.
function contentLines(node: FlowNode, tabs: string, models: readonly TraceModel[]): string[] {
  const model = models[node.model]
  const isNamed = node.isSelected || (node.flags & TRACE_WHOLE) !== 0
  const lines =
    model !== undefined && isNamed && (node.flags & TRACE_HAS_VERSION) !== 0
      ? [`${tabs}Name:   ${model.name}`, `${tabs}Version:${model.version}`]
      : []
  for (const tensor of node.tensors) {
    const kind = tensor.activity.slice('TENSOR_'.length)
    if (KINDS.includes(kind)) lines.push(`${tabs}${kind}:`, `${tabs}\t${tensor.name}: ${numpyText(tensor, node.id)}`)
  }
  return lines
}
