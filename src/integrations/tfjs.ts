import { tryNative } from '../binding.js'
import { recordKernels } from './tfjs/kernels.js'
import { recordLayers, recordModel } from './tfjs/models.js'
import { type Package, packageOf } from './tfjs/package.js'
import { recordTransfers } from './tfjs/transfers.js'

/** Something of the package that is recorded, once for all copies and packages that share it. */
interface Part {
  owner: object
  record(): () => void
}
const parts = new WeakMap<object, { users: number; restore: () => void }>()
const instrumented: { owners: object[]; uninstrument: () => void }[] = []

/**
 * Records what TensorFlow.js does while a profiler session runs: every kernel as an op (`Conv2D`, `MatMul`), with the
 * backend's part of it as `compute`; around them the layers, the runs of models (`predict NAME`, `execute`) and
 * `gradients`; the transfers `tensor`, `dataSync` and `data`. With `tracerOption: 'OpDetail'` kernels and transfers have
 * shapes, types and bytes as attributes.
 *
 * Kernels of the backends `cpu`, `wasm` and `tensorflow` are done when they return. Those of other backends may go on
 * after their call: what they have is not `compute` but `dispatch`, and the warning `tfjs-dispatch-only` counts them.
 *
 * @param tf The package, by `import * as tf` or `require`: `@tensorflow/tfjs`, `tfjs-node`, or a part such as `tfjs-core`.
 * A second call for the same copy changes nothing.
 * @returns Puts everything back as it was.
 * @throws OpscopeError ERR_OPSCOPE_INTEGRATION when `tf` is not TensorFlow.js.
 * @example
 * import * as tf from '@tensorflow/tfjs'
 * import { instrument } from 'opscope/integrations/tfjs'
 * const uninstrument = instrument(tf)
 */
export function instrument(tf: unknown): () => void {
  const wanted = partsOf(packageOf(tf))
  // On a platform without a native core nothing is recorded, and the program runs as it is.
  if (tryNative() === undefined) return () => {}
  const owners = wanted.map(({ owner }) => owner)
  const earlier = instrumented.find(
    each => each.owners.length === owners.length && owners.every(owner => each.owners.includes(owner)),
  )
  if (earlier !== undefined) return earlier.uninstrument
  for (const part of wanted) use(part)
  const uninstrument = () => {
    const index = instrumented.findIndex(each => each.uninstrument === uninstrument)
    if (index === -1) return
    instrumented.splice(index, 1)
    for (const owner of owners) release(owner)
  }
  instrumented.push({ owners, uninstrument })
  return uninstrument
}

function partsOf({ core, layer, models }: Package): Part[] {
  const found: Part[] = models.map(model => ({ owner: model, record: () => recordModel(model) }))
  if (layer !== undefined) found.push({ owner: layer, record: () => recordLayers(layer) })
  if (core !== undefined) {
    // One engine for all copies.
    const owner = Object.getPrototypeOf(core.engine()) as object
    found.push({ owner, record: () => both(recordKernels(core), recordTransfers(core)) })
  }
  return found
}
function both(first: () => void, second: () => void): () => void {
  return () => {
    second()
    first()
  }
}
function use({ owner, record }: Part): void {
  const known = parts.get(owner)
  if (known === undefined) parts.set(owner, { users: 1, restore: record() })
  else known.users++
}
function release(owner: object): void {
  const part = parts.get(owner)!
  part.users--
  if (part.users > 0) return
  parts.delete(owner)
  part.restore()
}
