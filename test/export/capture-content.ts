import { native, type RecordingView } from '../../src/binding.js'
import { Capture } from '../../src/capture.js'

/** Everything in a capture, comparable: names and texts instead of indices, which may differ. */
export function contentOf(capture: Capture): Record<string, unknown> {
  const view: RecordingView = native().view(Capture.recordingOf(capture))
  const { spans, gpu, launches, strings } = view
  return {
    spans: Array.from(spans.name, (name, row) => ({
      name: view.names[name],
      startNs: spans.startNs[row],
      durationNs: spans.durationNs[row],
      parent: spans.parent[row],
      flags: spans.flags[row],
      gpuNs: spans.gpuNs[row],
    })),
    processes: view.processes,
    threads: view.threads,
    asyncs: Array.from(view.asyncs.row, (row, i) => [row, view.asyncs.returnNs[i]]),
    ids: Array.from(view.ids.row, (row, i) => [
      row,
      view.ids.spanId[i],
      view.ids.remoteParentId[i],
      view.ids.traceIdHigh[i],
      view.ids.traceIdLow[i],
    ]),
    attributes: view.attributes,
    links: view.links,
    marks: capture.marks(),
    counters: capture.counters(),
    launches: Array.from(launches.name, (name, i) => [
      strings[name],
      launches.thread[i],
      launches.startNs[i],
      launches.endNs[i],
      launches.correlationId[i],
      launches.span[i],
    ]),
    gpu: Array.from(gpu.name, (name, i) => [
      strings[name],
      ...[
        gpu.kind,
        gpu.from,
        gpu.to,
        gpu.device,
        gpu.context,
        gpu.stream,
        gpu.startNs,
        gpu.endNs,
        gpu.bytes,
        gpu.launch,
        gpu.span,
      ].map(column => column[i]),
      gpu.correlationId[i],
    ]),
    durationNs: view.durationNs,
    originEpochNs: view.originEpochNs,
    processId: view.processId,
    pauses: view.pauses,
    summary: capture.toJSON(),
  }
}
