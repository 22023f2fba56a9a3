import { OpscopeError } from '../../errors.js'
import { InputFile } from '../../import/input-file.js'
import { readJsonEvents } from '../../import/json-events.js'
import { pythonFloat, pythonString } from '../python-text.js'
import type { TritonVersion } from './triton-passes.js'

const INDENT = '  '
// Far more than a trace has; Python gives up at a thousand.
const MOST_DEPTH = 200

/**
 * What `trace_summary.py -v` prints first: the file as Python's json.dumps(sort_keys=True, indent=2) writes it, handed to
 * `write` in parts, each waited for.
 * @throws OpscopeError ERR_OPSCOPE_FILE_READ, ERR_OPSCOPE_FILE_FORMAT
 */
export async function writePythonJson(
  path: string,
  version: TritonVersion,
  write: (text: string) => Promise<void>,
): Promise<void> {
  // Python 2 leaves a space at the end of each line.
  const comma = version === 'v1' ? ', \n' : ',\n'
  const file = await InputFile.open(path)
  try {
    const ready: string[] = []
    let isFirst = true
    const flush = async () => {
      for (const text of ready.splice(0)) await write(text)
    }
    const chunks = (async function* () {
      for await (const chunk of file.chunks()) {
        await flush()
        yield chunk
      }
    })()
    const trace = await readJsonEvents(chunks, (events, textOf) => {
      const texts = events.map((_, at) => INDENT + new PythonJson(textOf(at), comma).text())
      ready.push((isFirst ? '[\n' : comma) + texts.join(comma))
      isFirst = false
    })
    if (trace.isForeign) throw new OpscopeError('ERR_OPSCOPE_FILE_FORMAT', `${path} is no JSON array.`)
    await flush()
    await write(isFirst ? '[]\n' : '\n]\n')
  } finally {
    await file.close()
  }
}

/** One value, read from its text: JSON.parse would round the times. The text is known to be JSON. */
class PythonJson {
  readonly #text: string
  readonly #comma: string
  #at = 0

  constructor(text: string, comma: string) {
    this.#text = text
    this.#comma = comma
  }

  /** As an element of the outermost array. */
  text(): string {
    return this.#value(1)
  }
  #value(depth: number): string {
    if (depth > MOST_DEPTH) throw new OpscopeError('ERR_OPSCOPE_FILE_FORMAT', 'The JSON is nested too deep.')
    const token = this.#token()
    if (token === '{') {
      const members = new Map<string, string>()
      this.#list('}', () => {
        const key = pythonString(JSON.parse(this.#token()))
        this.#token() // the colon
        members.set(key, this.#value(depth + 1))
      })
      const sorted = Array.from(members).sort(([a], [b]) => (a < b ? -1 : 1))
      return this.#lines(
        '{',
        sorted.map(([key, value]) => `${key}: ${value}`),
        '}',
        depth,
      )
    }
    if (token === '[') {
      const items: string[] = []
      this.#list(']', () => items.push(this.#value(depth + 1)))
      return this.#lines('[', items, ']', depth)
    }
    if (token.startsWith('"')) return pythonString(JSON.parse(token))
    return /^-?\d/.test(token) ? numberText(token) : token
  }
  #list(close: string, each: () => void): void {
    if (this.#peek() === close) {
      this.#at++
      return
    }
    do each()
    while (this.#token() === ',')
  }
  #lines(open: string, items: readonly string[], close: string, depth: number): string {
    if (items.length === 0) return open + close
    const inner = INDENT.repeat(depth + 1)
    return `${open}\n${inner}${items.join(this.#comma + inner)}\n${INDENT.repeat(depth)}${close}`
  }
  #peek(): string {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++
    return this.#text[this.#at] ?? ''
  }
  #token(): string {
    const first = this.#peek()
    const pattern = first === '"' ? /"(?:[^"\\]|\\.)*"/sy : /[[\]{},:]|[^\s[\]{},:"]+/sy
    pattern.lastIndex = this.#at
    const [token = ''] = pattern.exec(this.#text) ?? []
    this.#at += token.length
    return token
  }
}

function numberText(token: string): string {
  if (!/[.eE]/.test(token)) return token === '-0' ? '0' : token
  const value = Number(token)
  return Number.isFinite(value) ? pythonFloat(value) : value < 0 ? '-Infinity' : 'Infinity'
}
