import { CATEGORIES, FLAG_ASYNC, FLAG_BRACKET, FLAG_ERROR, native, ROLES } from './binding.js'
import { Capture } from './capture.js'
import { addGpuTables, GPU_TABLES } from './gpu-row-checks.js'
import { ownError } from './native-error.js'
import { eachRow, RowChecker, rowsError } from './row-checks.js'
import type { CaptureRows, SpanRow } from './row-types.js'
import { RowsBuilder } from './rows-builder.js'

export type { CaptureRows, CounterRow, GpuRow, LaunchRow, MarkRow, SpanRow, ThreadRow } from './row-types.js'

const KEYS = {
  rows: [
    'threads',
    'spans',
    'launches',
    ...GPU_TABLES,
    'marks',
    'counters',
    'pauses',
    'state',
    'tracerOption',
    'durationNs',
    'originEpochNs',
    'processId',
    'host',
    'program',
    'attributes',
  ],
  threads: ['name', 'osThreadId', 'jsThreadId'],
  spans: [
    'thread',
    'name',
    'startNs',
    'endNs',
    'role',
    'category',
    'instance',
    'ids',
    'attributes',
    'links',
    'isAsync',
    'isError',
    'isBracket',
  ],
  ids: ['spanId', 'parentId', 'traceId'],
  links: ['traceId', 'spanId'],
  launches: ['thread', 'name', 'startNs', 'endNs', 'correlationId'],
  marks: ['thread', 'name', 'atNs', 'category'],
  counters: ['thread', 'name', 'atNs', 'value', 'category'],
  pauses: ['startNs', 'endNs'],
} as const

/**
 * Makes a capture from plain rows, for importers and tests: it reports, exports and loads like a
 * recorded one. Rows may come in any order; spans of one thread nest by time.
 *
 * @throws OpscopeError ERR_OPSCOPE_ROWS naming the row and the field, before anything is built.
 * @example
 * const capture = await buildCapture({
 *   spans: [
 *     { thread: 'main', name: 'matmul', startNs: 0, endNs: 5_000_000 },
 *     { thread: 'main', name: 'compute', role: 'phase', startNs: 1_000_000, endNs: 4_000_000 },
 *   ],
 * })
 * capture.ops().map(row => row.path.join('/')) // ['matmul', 'matmul/compute']
 */
export async function buildCapture(rows: CaptureRows): Promise<Capture> {
  const builder = fromPlainRows(rows)
  try {
    return await Capture.fromHandle(await native().build(builder.rows()))
  } catch (error) {
    throw ownError(error, 'Cannot build a capture')
  }
}

/** The checked part of {@link buildCapture}, without the native core. */
export function fromPlainRows(rows: CaptureRows): RowsBuilder {
  new RowChecker('rows', rows).keys(KEYS.rows)
  const top = new RowChecker('', rows)
  const builder = new RowsBuilder()
  const threads = new ThreadTable(builder, rows)

  eachRow(rows, 'spans', KEYS.spans, (check, row) => addSpan(builder, threads, check, row as unknown as SpanRow))
  eachRow(rows, 'launches', KEYS.launches, check => {
    const { startNs, endNs } = check.interval()
    builder.addLaunch(threads.find(check), check.text('name'), startNs, endNs, check.id('correlationId'))
  })
  addGpuTables(builder.gpu, text => builder.string(text), rows)
  eachRow(rows, 'marks', KEYS.marks, check => {
    const name = builder.name(check.text('name'), check.oneOf('category', CATEGORIES, 'user'))
    builder.addMark(threads.find(check), name, check.count('atNs'))
  })
  eachRow(rows, 'counters', KEYS.counters, check => {
    const name = builder.name(check.text('name'), check.oneOf('category', CATEGORIES, 'user'))
    builder.addCounter(threads.find(check), name, check.count('atNs'), check.number('value'))
  })
  eachRow(rows, 'pauses', KEYS.pauses, check => {
    const pause = check.interval()
    const last = builder.pauses.at(-1)
    if (last !== undefined && pause.startNs < last.endNs) {
      throw check.error('startNs', `is ${pause.startNs}, before the end of the pause before it`)
    }
    builder.pauses.push(pause)
  })

  builder.durationNs = top.count('durationNs', 0)
  builder.originEpochNs = top.id('originEpochNs', 0n)
  builder.processId = top.count('processId', 0)
  builder.metaJson = JSON.stringify({
    state: top.oneOf('state', ['CPU', 'GPU', 'All'] as const, 'All'),
    tracerOption: top.oneOf('tracerOption', ['Default', 'OpDetail', 'AllOpDetail'] as const, 'Default'),
    attributes: rows.attributes ?? {},
    host: top.text('host', '') || undefined,
    program: top.text('program', '') || undefined,
  })
  return builder
}

function addSpan(builder: RowsBuilder, threads: ThreadTable, check: RowChecker, row: SpanRow): void {
  const role = check.oneOf('role', ROLES, 'op')
  const instance = check.text('instance', '')
  if ((role === 'instance') !== (instance !== '')) {
    throw check.error('instance', instance === '' ? "is needed with role 'instance'" : "goes with role 'instance' only")
  }
  const { startNs, endNs } = check.interval('open-ended')
  const flags =
    (check.flag('isAsync') ? FLAG_ASYNC : 0) |
    (check.flag('isError') ? FLAG_ERROR : 0) |
    (check.flag('isBracket') ? FLAG_BRACKET : 0)
  const name = builder.name(check.text('name'), check.oneOf('category', CATEGORIES, 'user'), role, instance)
  let ids: Parameters<RowsBuilder['addSpan']>[5]
  if (row.ids !== undefined) {
    const checkIds = check.inner('ids').keys(KEYS.ids)
    const traceId = checkIds.hex('traceId', 32, 0n)
    ids = {
      spanId: checkIds.hex('spanId', 16),
      parentId: checkIds.hex('parentId', 16, 0n),
      traceIdHigh: traceId >> 64n,
      traceIdLow: BigInt.asUintN(64, traceId),
    }
  }
  const span = builder.addSpan(threads.find(check), name, startNs, endNs, flags, ids)
  for (const [key, value] of Object.entries(row.attributes ?? {})) {
    if (!['string', 'number', 'bigint', 'boolean'].includes(typeof value)) {
      throw check.error(`attributes.${key}`, 'is neither a string nor a number, bigint or boolean')
    }
    builder.addAttribute(span, key, value)
  }
  for (const [index, link] of (row.links ?? []).entries()) {
    const checkLink = new RowChecker(`${check.path}.links[${index}]`, link).keys(KEYS.links)
    const traceId = checkLink.hex('traceId', 32)
    builder.addLink(span, traceId >> 64n, BigInt.asUintN(64, traceId), checkLink.hex('spanId', 16))
  }
}

/** Threads by index or by name; without a `threads` list they are made at first use. */
class ThreadTable {
  readonly #byKey = new Map<number | string, number>()
  readonly #isClosed: boolean
  constructor(
    readonly builder: RowsBuilder,
    rows: CaptureRows,
  ) {
    this.#isClosed = rows.threads !== undefined
    if (rows.threads !== undefined && !Array.isArray(rows.threads)) {
      throw rowsError('threads is not an array.')
    }
    for (const [index, given] of (rows.threads ?? []).entries()) {
      const check = new RowChecker(`threads[${index}]`, typeof given === 'string' ? { name: given } : given).keys(
        KEYS.threads,
      )
      const name = check.text('name', '')
      builder.addThread(name, check.count('osThreadId', 0), check.integer('jsThreadId', -1))
      this.#byKey.set(index, index)
      this.#byKey.set(name, index)
    }
  }
  find(check: RowChecker): number {
    const key = check.value.thread
    if (typeof key !== 'string' && !(Number.isSafeInteger(key) && (key as number) >= 0)) {
      throw check.error('thread', 'is neither the index nor the name of a thread')
    }
    let thread = this.#byKey.get(key as string | number)
    if (thread === undefined) {
      if (this.#isClosed) {
        throw check.error('thread', `is ${JSON.stringify(key)}, which is not in threads`)
      }
      thread = this.builder.addThread(typeof key === 'string' ? key : `thread ${key}`)
      this.#byKey.set(key as string | number, thread)
    }
    return thread
  }
}
