// A frame as text that fits a terminal.
import { bytesText, countText, durationText, percentText, plural, rateText } from '../model/figure-text.js'
import type { LiveFrame, LiveRow } from '../remote/live-client.js'
import { type Column, tableLines } from '../report/text-table.js'
import { cutMiddle, padEnd, pieces, textWidth } from '../text-width.js'

export interface ScreenSize {
  columns: number
  /** Infinity: a block of text, that scrolls. */
  rows: number
}

// Of a screen of 24 lines the ops keep more than half.
const MOST_KERNELS = 4
const MOST_COPIES = 2
const MOST_REQUESTS = 3
const LEAST_OPS = 3

/** At most `rows` lines of at most `columns` cells. */
export function liveLines(frame: LiveFrame, { columns, rows }: ScreenSize): string[] {
  const head = headLines(frame, columns)
  const room = rows - head.length
  const isScreen = Number.isFinite(rows)
  const requests = sized(frame.requests.length > 1 ? frame.requests : [], isScreen ? MOST_REQUESTS : Infinity)
  const kernels = sized(frame.kernels, isScreen ? MOST_KERNELS : Infinity)
  const copies = sized(frame.copies, isScreen ? MOST_COPIES : Infinity)
  const tables = [
    tableOf('request', requests, frame.elapsedNs, columns),
    tableOf('kernel', kernels, frame.windowNs, columns),
    copyTable(copies, frame.windowNs, columns),
  ]
  // The ops have what the others leave; where that is too little, the others go, from the last.
  const leastOps = 2 + Math.min(LEAST_OPS, frame.ops.length)
  while (tables.length > 0 && linesOf(tables) + leastOps > room) tables.pop()
  const [requestTable = [], ...others] = tables
  const opCount = Math.max(0, room - linesOf(tables) - 2)
  const ops = tableOf('op', frame.ops.slice(0, opCount), frame.windowNs, columns)
  return [...head, ...requestTable, ...ops, ...others.flat()].slice(0, rows)
}
const sized = <T>(list: readonly T[], most: number) => list.slice(0, most)
const linesOf = (tables: readonly string[][]) => tables.reduce((count, lines) => count + lines.length, 0)

function headLines(frame: LiveFrame, columns: number): string[] {
  const { program, pid, host, atMs, watchers, request, elapsedNs, windowNs, spanCount, dropped } = frame
  const who = safe(`${program || 'process'} ${pid} on ${host}`)
  const when = `${watchers > 1 ? `${watchers} watchers  ` : ''}${new Date(atMs).toTimeString().slice(0, 8)}`
  const title = cutMiddle(who, Math.max(1, columns - when.length - 1))
  const perSecond = (count: number, ns: number) => countText(ns > 0 ? (count * 1e9) / ns : 0)
  const facts = [
    [
      `requests ${perSecond(request.calls, elapsedNs)}/s`,
      ...(request.calls === 0
        ? []
        : [
            `p50 ${durationText(request.p50Ns)}`,
            `p99 ${durationText(request.p99Ns)}`,
            `max ${durationText(request.maxNs)}`,
          ]),
      ...(request.open === 0 ? [] : [`${countText(request.open)} open, oldest ${durationText(request.oldestNs)}`]),
    ],
    [
      `loop ${percentText(frame.utilizationPermille / 1000)} busy`,
      `delay ${durationText(frame.delayMeanNs)}, max ${durationText(frame.delayMaxNs)}`,
      ...(frame.gcCount === 0 ? [] : [`gc ${frame.gcCount}× ${durationText(frame.gcNs)}`]),
      `rss ${bytesText(frame.rssBytes)}`,
      `heap ${bytesText(frame.heapBytes)}`,
    ],
    [
      `${perSecond(spanCount, windowNs)} spans/s`,
      ...(dropped === 0 ? [] : [`${plural(dropped, 'span')} dropped`]),
      ...(frame.noGpuReason === ''
        ? frame.devices.map(({ name, busyPermille }) => `${safe(name)} ${percentText(busyPermille / 1000)} busy`)
        : [`no GPU: ${safe(frame.noGpuReason)}`]),
    ],
  ]
  const line = padEnd(title, columns - textWidth(when)) + when
  return [cutMiddle(line, columns), ...facts.flatMap(each => pieces(each, columns, ''))]
}

function tableOf(kind: 'request' | 'op' | 'kernel', rows: readonly LiveRow[], ns: number, columns: number): string[] {
  if (rows.length === 0) return []
  const hasOpen = rows.some(({ open }) => open > 0)
  const hasGpu = kind === 'op' && rows.some(({ gpuNs }) => gpuNs > 0)
  const heads: Column[] = [
    { head: kind, keep: Infinity },
    { head: 'calls/s', keep: 8 },
    { head: 'time/s', keep: Infinity },
    { head: 'p50', keep: 6 },
    { head: 'p99', keep: 7 },
    { head: 'max', keep: 4 },
    ...(hasGpu ? [{ head: 'gpu/s', keep: 5 }] : []),
    ...(hasOpen ? [{ head: 'open', keep: 3 }] : []),
  ]
  const cells = rows.map(row => [
    safe(row.name),
    rate(row.calls, ns),
    timeRate(row.totalNs, ns),
    ...[row.p50Ns, row.p99Ns, row.maxNs].map(value => (row.calls === 0 ? '–' : durationText(value))),
    ...(hasGpu ? [row.gpuNs === 0 ? '' : timeRate(row.gpuNs, ns)] : []),
    ...(hasOpen ? [row.open === 0 ? '' : countText(row.open)] : []),
  ])
  return [
    '',
    ...tableLines(
      heads,
      cells.map(each => ({ cells: each, indent: 1 })),
      columns,
    ),
  ]
}

function copyTable(rows: readonly LiveRow[], ns: number, columns: number): string[] {
  if (rows.length === 0) return []
  const heads: Column[] = [
    { head: 'copy', keep: Infinity },
    { head: 'calls/s', keep: 3 },
    { head: 'time/s', keep: Infinity },
    { head: 'moved', keep: 2 },
  ]
  const cells = rows.map(({ name, calls, totalNs, bytes }) => {
    return [safe(name), rate(calls, ns), timeRate(totalNs, ns), rateText(ns > 0 ? (bytes * 1e9) / ns : 0)]
  })
  return [
    '',
    ...tableLines(
      heads,
      cells.map(each => ({ cells: each, indent: 1 })),
      columns,
    ),
  ]
}

function rate(count: number, ns: number): string {
  const perSecond = ns > 0 ? (count * 1e9) / ns : 0
  return perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : countText(perSecond)
}
function timeRate(totalNs: number, ns: number): string {
  return durationText(ns > 0 ? (totalNs * 1e9) / ns : 0)
}
/** A frame comes from elsewhere: nothing of it may steer the terminal. */
function safe(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
}
