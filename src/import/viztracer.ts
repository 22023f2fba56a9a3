// VizTracer, a tracer of Python functions: https://viztracer.readthedocs.io
// Functions are X events of the category `fee`, in the order of their ends, named `function (file:line)`, of old
// versions `file(line).function`, and of C by module and name. The file is shortened to its name, the path is an
// attribute, as are `func_args` and `return_value`. With log_gc a counter tells collections: they are spans too.
// Ignored: the sources of all files, which stand behind the events.
import type { Dialect } from './chrome.js'
import { argsOf, nameOf, numberOf, type TraceEvent, textOf } from './chrome-event.js'
import type { ChromeRows } from './chrome-rows.js'
import type { JsonTrace } from './json-events.js'

const COLLECTION = 'garbage collection'

export class VizTracerDialect implements Dialect {
  /** By process: since when it collects. */
  readonly #collecting = new Map<string, number>()

  static fits(events: TraceEvent[], head: JsonTrace['head']): boolean {
    return 'viztracer_metadata' in head || events.some(event => /^fee$/i.test(textOf(event.cat)))
  }

  take(event: TraceEvent, startNs: number, rows: ChromeRows): boolean {
    if (event.ph === 'C' && event.name === COLLECTION) {
      this.#collect(event, startNs, rows)
      return false
    }
    const durationNs = rows.durationNs(event)
    if (event.ph !== 'X' || durationNs === undefined) return false
    const { name, source } = functionOf(nameOf(event))
    const span = rows.span({ ...event, name }, startNs, startNs + durationNs)
    if (source !== '') rows.builder.addAttribute(span, 'source', source)
    return true
  }

  finish(rows: ChromeRows, head: JsonTrace['head']): void {
    const { overflow } = (head.viztracer_metadata ?? {}) as { overflow?: unknown }
    if (overflow === true)
      rows.builder.warn('file-says', 'the buffer of the tracer was full: the first events are lost')
  }

  #collect(event: TraceEvent, atNs: number, rows: ChromeRows): void {
    const { collecting, collected } = argsOf(event)
    const process = textOf(event.pid)
    const sinceNs = this.#collecting.get(process)
    if (numberOf(collecting) === 1) {
      this.#collecting.set(process, atNs)
    } else if (sinceNs !== undefined) {
      this.#collecting.delete(process)
      rows.span({ ...event, cat: 'gc', args: { collected } }, sinceNs, atNs)
    }
  }
}

/** `Model.run (/srv/app/model.py:12)` as `Model.run (model.py:12)`, and where it is. */
function functionOf(text: string): { name: string; source: string } {
  // Not a pattern with two greedy parts: those take the square of the length of a hostile name.
  const colon = text.lastIndexOf(':')
  const open = text.lastIndexOf(' (', colon)
  if (open > 0 && /^\d+\)$/.test(text.slice(colon + 1)) && colon > open + 2) {
    return placed(text.slice(0, open), text.slice(open + 2, colon), text.slice(colon + 1, -1))
  }
  const dot = text.lastIndexOf(').')
  const number = text.lastIndexOf('(', dot)
  if (number > 0 && /^\d+$/.test(text.slice(number + 1, dot)) && dot + 2 < text.length) {
    return placed(text.slice(dot + 2), text.slice(0, number), text.slice(number + 1, dot))
  }
  return { name: text, source: '' }
}
function placed(name: string, path: string, line: string): { name: string; source: string } {
  return { name: `${name} (${path.replace(/^.*[\\/]/s, '')}:${line})`, source: `${path}:${line}` }
}
