import type { Clock, Meter } from './meter.js'

export interface TimedLoop {
  /** So many iterations, between the start and the stop of the meter. */
  whole(count: number): void | Promise<void>
  /** The same, and the ns of each go to `each`. */
  single(count: number, each: number[]): void | Promise<void>
}

type LoopMaker = (
  run: (context: unknown) => unknown,
  context: unknown,
  meter: Meter,
  clock: Clock,
  sink: { last: unknown },
) => TimedLoop

// The result of the last iteration stays reachable, so that no compiler finds an iteration to be without effect.
const sink: { last: unknown } = { last: undefined }

const SOURCE = (wait: 'await ' | '', asynchronous: 'async ' | ''): string => `
return {
  ${asynchronous}whole(count) {
    meter.start()
    for (let at = 0; at < count; at++) sink.last = ${wait}run(context)
    meter.stop()
  },
  ${asynchronous}single(count, each) {
    meter.start()
    let start = clock()
    for (let at = 0; at < count; at++) {
      sink.last = ${wait}run(context)
      const end = clock()
      each.push(end - start)
      start = end
    }
    meter.stop()
  },
}`

/**
 * A loop around one body. Its code is made for this body alone: in a shared loop the call would be compiled for all
 * bodies that ever went through it, and a body of some ns would be measured by what ran before.
 */
export function timedLoop(
  run: (context: unknown) => unknown,
  context: unknown,
  isAsync: boolean,
  meter: Meter,
  clock: Clock,
): TimedLoop {
  const source = isAsync ? SOURCE('await ', 'async ') : SOURCE('', '')
  const make = new Function('run', 'context', 'meter', 'clock', 'sink', source) as LoopMaker
  return make(run, context, meter, clock, sink)
}
