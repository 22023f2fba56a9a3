import type { PaddleEvent } from './paddle.js'

/**
 * Spans of a Paddle profile, parents first, each with the span that encloses it by time on its thread.
 * Times are whole µs there, so that a child often starts and ends with its parent: the shorter path goes first.
 */
export function nestByPath(host: PaddleEvent[]): { event: PaddleEvent; parent: PaddleEvent | undefined }[] {
  const sorted = host.toSorted(
    (a, b) => a.subDevice - b.subDevice || a.startNs - b.startNs || b.endNs - a.endNs || a.name.length - b.name.length,
  )
  const open: PaddleEvent[] = []
  return sorted.map(event => {
    while (open.length > 0 && !encloses(open.at(-1) as PaddleEvent, event)) {
      open.pop()
    }
    const parent = open.findLast(other => event.name.startsWith(`${other.name}/`))
    open.push(event)
    return { event, parent }
  })
}
function encloses(outer: PaddleEvent, inner: PaddleEvent): boolean {
  return (
    outer.subDevice === inner.subDevice &&
    inner.endNs <= outer.endNs &&
    inner.startNs < Math.max(outer.endNs, outer.startNs + 1)
  )
}

const SPECIAL = 'ParallelExecutor::Run/'

/**
 * The name without the path of its parent. Worker threads carry the path of the executor's scope, which is
 * open on another thread. opscope writes a `/` inside a name as U+2215.
 */
export function leafOf(name: string, parent: PaddleEvent | undefined): string {
  const inherited = name.startsWith(SPECIAL) ? SPECIAL.length : 0
  const leaf = name.slice(parent === undefined ? inherited : parent.name.length + 1)
  return leaf.replaceAll('\u2215', '/')
}
