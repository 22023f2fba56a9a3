import { nameId } from '../../name-ids.js'
import { record } from '../../record.js'
import { Span } from '../../span.js'
import { replaceMember } from '../replace-member.js'
import type { Core, Engine } from './package.js'
import {
  bytesOfValues,
  describeBytes,
  describeCall,
  inDescribedSpan,
  isRecording,
  type Switch,
  wantsAttributes,
} from './spans.js'

/** Records what goes to the backend and comes back: `tensor`, `dataSync` and, until the data are there, `data`. */
export function recordTransfers(core: Core): () => void {
  const state: Switch = { isOn: true }
  const engine = Object.getPrototypeOf(core.engine()) as Engine
  const restores = [
    replaceMember(engine, 'makeTensor', original => {
      return function makeTensor(this: Engine, values, shape, dtype, backend) {
        if (!state.isOn || !isRecording()) return original.call(this, values, shape, dtype, backend)
        return inDescribedSpan(
          nameId('tensor', 'cpu_op'),
          () => original.call(this, values, shape, dtype, backend),
          (spanId, tensor) => describeCall(spanId, {}, tensor),
        )
      }
    }),
    replaceMember(engine, 'readSync', original => {
      return function readSync(this: Engine, dataId) {
        if (!state.isOn || !isRecording()) return original.call(this, dataId)
        return inDescribedSpan(
          nameId('dataSync', 'cpu_op'),
          () => original.call(this, dataId),
          (spanId, values) => describeBytes(spanId, bytesOfValues(values)),
        )
      }
    }),
    replaceMember(engine, 'read', original => {
      return function read(this: Engine, dataId) {
        if (!state.isOn || !isRecording()) return original.call(this, dataId)
        return record('data', { category: 'cpu_op' }, span => {
          const values = original.call(this, dataId)
          return wantsAttributes() && span.isRecording ? describedLater(span, values) : values
        })
      }
    }),
  ]
  return () => {
    state.isOn = false
    for (const restore of restores) restore()
  }
}

async function describedLater(span: Span, values: Promise<unknown>): Promise<unknown> {
  const read = await values
  describeBytes(Span.numberOf(span), bytesOfValues(read))
  return read
}
