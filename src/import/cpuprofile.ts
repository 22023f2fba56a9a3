import { basename } from 'node:path'

import type { NativeWarning } from '../binding.js'
import { CaptureFileBuilder } from './capture-file-rows.js'
import { COLLECTOR, type CpuSamples, readCpuSamples } from './cpu-samples.js'
import { drawStacks, MOST_SPANS, type StackSink } from './sample-stacks.js'

/** A CPU profile alone: its stacks as ops. undefined: it is no profile. */
export async function importCpuProfile(
  chunks: AsyncIterable<Buffer>,
  path: string,
  mostSpans: number = MOST_SPANS,
): Promise<CaptureFileBuilder | undefined> {
  const samples = await readCpuSamples(chunks)
  if (samples === undefined) return undefined
  const builder = new CaptureFileBuilder()
  builder.areParentsKnown = true
  const { pid, threadId } = profiledThread(path)
  builder.processId = pid ?? 0
  const thread = builder.addThread(threadId === 0 ? 'main' : `worker ${threadId}`, 0, threadId)
  const names = new Int32Array(samples.names.length).fill(-1)
  const nameOf = (node: number) => {
    if (names[node] === -1) {
      names[node] = builder.name(samples.names[node]!, samples.kinds[node] === COLLECTOR ? 'gc' : 'user')
    }
    return names[node]!
  }
  const sink: StackSink = {
    open: (node, startNs, parent) => {
      builder.addSpan(thread, nameOf(node), startNs, startNs)
      builder.parents.push(parent)
    },
    close: (span, endNs) => builder.endSpan(span, endNs),
  }
  const stride = await drawStacks(samples, sink, undefined, mostSpans)
  builder.durationNs = samples.durationNs
  builder.originClockNs = samples.originClockNs
  for (const { code, detail, count } of sampleTroubles(samples, stride)) builder.warn(code, detail, count)
  return builder
}

/** Whose samples these are, as Node names its files; threadId 0: the main thread, or not told. */
export function profiledThread(path: string): { pid: number | undefined; threadId: number } {
  const [, pid, threadId] = /^CPU\.\d{8}\.\d{6}\.(\d{1,10})\.(\d{1,9})\.\d+\.cpuprofile/.exec(basename(path)) ?? []
  return { pid: pid === undefined ? undefined : Number(pid), threadId: Number(threadId ?? 0) }
}

/** What could not be read of a profile, as warnings. */
export function sampleTroubles(samples: CpuSamples, stride: number): NativeWarning[] {
  const troubles: NativeWarning[] = []
  if (samples.damaged > 0) {
    troubles.push({ code: 'events-damaged', detail: 'samples and frames that cannot be right', count: samples.damaged })
  }
  if (samples.isCut) {
    const detail = 'the file ends in the middle; every sample that has a time was read'
    troubles.push({ code: 'file-cut', detail, count: 1 })
  }
  if (stride > 1) {
    const detail = `one of ${stride} samples was read: all would make too many spans`
    troubles.push({
      code: 'samples-thinned',
      detail,
      count: samples.nodes.length - Math.ceil(samples.nodes.length / stride),
    })
  }
  return troubles
}
