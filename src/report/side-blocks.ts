import { eventLoop, type LoopFigures } from '../model/event-loop.js'
import { bytesText, countText, durationText, percentText, plural } from '../model/figure-text.js'
import type { Finding } from '../model/findings.js'
import { printedName, printedPath } from '../model/names.js'
import type { ReportSource } from '../model/ops.js'
import { traceQuality } from '../model/quality.js'
import { wrap } from '../text-width.js'
import { type Fact, factLines } from './fact-lines.js'
import type { Block } from './op-report.js'
import { threadText } from './op-tables.js'

// A reader acts on a few things; what comes sixth can wait for the next run.
const MAX_FINDINGS = 5

export function loopLines(source: ReportSource, width: number): Block {
  const { loops, gc } = eventLoop(source)
  const { processNs } = traceQuality(source)
  const facts: Fact[] = []
  for (const loop of loops) {
    // The main thread needs no name unless there are others.
    const of = loops.length > 1 ? ` ${threadText(source, loop.thread)}` : ''
    facts.push(...loopFacts(loop).map(([name, values]): Fact => [`${name}${of}`, values]))
  }
  if (gc.count > 0) {
    const share = processNs > 0 ? ` (${percentText(gc.totalNs / processNs)} of the time)` : ''
    facts.push([
      'Garbage collection',
      [
        plural(gc.count, 'pause'),
        `${durationText(gc.totalNs)}${share}`,
        `longest ${durationText(gc.maxNs)}`,
        ...(gc.kinds.length > 1
          ? gc.kinds.map(kind => `${printedName(kind.name)}: ${countText(kind.count)} in ${durationText(kind.totalNs)}`)
          : []),
      ],
    ])
  }
  return { title: 'Event Loop and GC', lines: factLines(facts, width) }
}

function loopFacts({ delay, utilization, memory }: LoopFigures): Fact[] {
  const facts: Fact[] = []
  if (delay !== undefined) {
    const { p50Ns, p99Ns, maxNs, samples } = delay
    const figures = [`p50 ${durationText(p50Ns)}`, `p99 ${durationText(p99Ns)}`, `max ${durationText(maxNs)}`]
    facts.push(['Loop delay', [...figures, plural(samples, 'sample')]])
  }
  if (utilization !== undefined) {
    facts.push(['Loop utilization', [`mean ${percentText(utilization.mean)}`, `max ${percentText(utilization.max)}`]])
  }
  for (const { name, firstBytes, lastBytes, peakBytes } of memory) {
    const label = name === 'rss' ? 'RSS' : name[0]!.toUpperCase() + name.slice(1)
    facts.push([label, [`${bytesText(firstBytes)} → ${bytesText(lastBytes)}`, `peak ${bytesText(peakBytes)}`]])
  }
  return facts
}

export function qualityLines(source: ReportSource, width: number): Block {
  const quality = traceQuality(source)
  const facts: Fact[] = [
    [
      'Spans',
      [
        `${countText(quality.spans)} kept`,
        `${countText(quality.dropped)} dropped`,
        `${countText(quality.unfinished)} unfinished`,
        plural(quality.unmatchedEnds, 'unmatched end'),
        ...(quality.gpuRows > 0
          ? [`${countText(quality.orphanGpuRows)} of ${plural(quality.gpuRows, 'GPU row')} without an op`]
          : []),
        ...(quality.exclusionGpuRows > 0 ? [`${countText(quality.exclusionGpuRows)} by exclusion`] : []),
      ],
    ],
  ]
  if (quality.own !== undefined) {
    const { spanNs, totalNs, ratio } = quality.own
    const clock = source.meta.clock === undefined ? [] : [`clock ${printedName(source.meta.clock)}`]
    const figures = [`${durationText(spanNs)} per span`, `${durationText(totalNs)}`, `${percentText(ratio)} of wall`]
    facts.push(['Own overhead', [...figures, ...clock]])
  }
  if (quality.gpuOverheadNs > 0) {
    const share = quality.processNs > 0 ? quality.gpuOverheadNs / quality.processNs : 0
    facts.push(['CUPTI overhead', [durationText(quality.gpuOverheadNs), `${percentText(share)} of wall`]])
  }
  for (const { name, calls, totalNs } of quality.integrations) {
    const share = quality.processNs > 0 ? totalNs / quality.processNs : 0
    facts.push([
      '',
      [`${printedName(name)} ×${countText(calls)}`, durationText(totalNs), `${percentText(share)} of wall`],
    ])
  }
  if (quality.notBrokenDown > 0) {
    facts.push(['Not broken down', [`${plural(quality.notBrokenDown, 'model run')} without figures per op`]])
  }
  for (const { code, detail, count } of quality.warnings) {
    const times = count > 1 ? ` (${countText(count)})` : ''
    facts.push(['Warning', [`${printedName(code)}${times}${detail === '' ? '' : `: ${oneLine(detail)}`}`]])
  }
  return { title: 'Trace Quality', lines: factLines(facts, width) }
}

export function findingLines(list: readonly Finding[], width: number): Block {
  const lines = list.slice(0, MAX_FINDINGS).flatMap(({ op, figure, remedy }, index) => {
    const text = op.length === 0 ? figure : `${printedPath(op)}${figureJoin(figure)}${figure}`
    return [
      ...wrap(text, width - 5).map((line, at) => (at === 0 ? `  ${index + 1}. ${line}` : `     ${line}`)),
      ...wrap(`→ ${remedy}`, width - 5).map((line, at) => (at === 0 ? `     ${line}` : `       ${line}`)),
    ]
  })
  return { title: 'Findings', lines: lines.length > 0 ? lines : ['  None: nothing crossed a threshold.'] }
}

// A figure that starts with a verb continues the op's name; one with a subject of its own is set off.
function figureJoin(figure: string): string {
  return /^(is|spends|counts|blocked|waits)\b/.test(figure) ? ' ' : ': '
}

// Details are sentences: their slashes are no paths, but a line break would still break the block.
function oneLine(text: string): string {
  return printedName(text).replaceAll('\\/', '/')
}
