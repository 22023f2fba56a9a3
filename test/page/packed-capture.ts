import { native } from '../../src/binding.js'
import { Capture } from '../../src/capture.js'
import { decodeRecording } from '../../src/page/decode.js'
import type { PageModel } from '../../src/page/page-model.js'
import type { PageRecording } from '../../src/page/recording.js'

/** What decodeRecording() reads of a model. */
export type ColumnsModel = Pick<
  PageModel,
  'columns' | 'strings' | 'streamNames' | 'names' | 'threads' | 'processes' | 'durationNs' | 'pauses'
>
export interface PackedCapture {
  model: ColumnsModel
  bytes: Uint8Array
  leftOutAttributes: number
}

/** The columns of a capture, packed by the native core. */
export async function packCapture(capture: Capture): Promise<PackedCapture> {
  const recording = Capture.recordingOf(capture)
  const { bytes, columns, strings, streamNames, leftOutAttributes } = await native().pageColumns(recording)
  const { names, threads, processes, durationNs, pauses } = native().view(recording)
  return {
    model: { columns, strings, streamNames, names, threads, processes, durationNs, pauses },
    bytes,
    leftOutAttributes,
  }
}
export function decode(model: ColumnsModel, bytes: Uint8Array): PageRecording {
  return decodeRecording(model as PageModel, bytes)
}
