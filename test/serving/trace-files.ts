// What the tests of trace files share: traces to write, and the way back.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

import type { TraceRecord } from '../../src/serving/trace-file.js'
import { HTTP_STAMPS } from './stamp-names.js'

/** A request over HTTP with stamps that are 1 µs apart. */
export function trace(id: number, more: Partial<TraceRecord> = {}): TraceRecord {
  const startNs = 5_000_000_000_000n + BigInt(id) * 1_000_000n
  return {
    id,
    parentId: 0,
    modelName: 'resnet50',
    modelVersion: 3,
    requestId: `request-${id}`,
    stampNames: HTTP_STAMPS,
    stampNs: HTTP_STAMPS.map((_, index) => startNs + BigInt(index) * 1000n),
    ...more,
  }
}
export function traces(count: number, first = 1): TraceRecord[] {
  return Array.from({ length: count }, (_, index) => trace(first + index))
}

interface Fragment {
  id: number
  model_name?: string
  request_id?: string
  timestamps?: { name: string; ns: number }[]
}
export function fragmentsIn(path: string): Fragment[] {
  return JSON.parse(readFileSync(path, 'utf8'))
}
/** The ids of the traces that are in a file, in the order of their models' fragments. */
export function idsIn(path: string): number[] {
  return idsOf(fragmentsIn(path))
}
export function idsOf(fragments: Fragment[]): number[] {
  return fragments.filter(each => each.model_name !== undefined).map(({ id }) => id)
}

/** As {@link fragmentsIn}, of a file whose last record may be torn. */
export function fragmentsInTorn(path: string): Fragment[] {
  const text = readFileSync(path, 'utf8')
  try {
    return JSON.parse(text)
  } catch {
    for (let end = text.lastIndexOf('}'); end > 0; end = text.lastIndexOf('}', end - 1)) {
      try {
        return JSON.parse(`${text.slice(0, end + 1)}]`)
      } catch {}
    }
    return []
  }
}

/** The files beside a path whose names begin with its own, in the order of their numbers. */
export function filesOf(path: string): string[] {
  const order = (name: string) => Number(/\.(\d+)$/.exec(name)?.[1] ?? Infinity)
  return readdirSync(dirname(path))
    .filter(name => name.startsWith(basename(path)))
    .sort((a, b) => order(a) - order(b))
    .map(name => join(dirname(path), name))
}

/** Whether a reader that nobody here wrote takes it. */
export function isJson(path: string): boolean {
  try {
    execFileSync('python3', ['-m', 'json.tool', path], { stdio: ['ignore', 'ignore', 'pipe'] })
    return true
  } catch {
    return false
  }
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}
