import type { Category } from '../../binding.js'
import { nameId } from '../../name-ids.js'
import { record } from '../../record.js'
import { replaceMember } from '../replace-member.js'
import type { Layer, Methods } from './package.js'
import { inSpan, isRecording, type Switch } from './spans.js'

/** What models are asked to do; those that are not there are methods of other kinds of models. */
const SYNC: Record<string, Category> = {
  predict: 'inference',
  predictOnBatch: 'inference',
  execute: 'inference',
  evaluate: 'section',
}
const ASYNC: Record<string, Category> = {
  predictAsync: 'inference',
  executeAsync: 'inference',
  evaluateDataset: 'section',
  fit: 'section',
  fitDataset: 'section',
  trainOnBatch: 'section',
}
// LayersModel.execute() evaluates symbolic tensors by name, and GraphModel.execute() runs the graph: the first is none.
const isOf = (model: Methods, method: string) => method !== 'execute' || Object.hasOwn(model, 'executeAsync')

/** A call that another one passes on: predict() to execute(), a sequential model to the model inside it. */
let passing: { model?: unknown; name?: unknown } | undefined

/** Records the runs of a kind of model: `predict NAME`, `executeAsync`. */
export function recordModel(model: Methods): () => void {
  const state: Switch = { isOn: true }
  const replace = (method: string, wrap: (original: Methods[string]) => Methods[string]) =>
    Object.hasOwn(model, method) && isOf(model, method) ? [replaceMember(model, method, wrap)] : []
  const restores = [
    ...Object.entries(SYNC).flatMap(([method, category]) =>
      replace(method, original => {
        return function (this: object, ...args: unknown[]) {
          if (!state.isOn || !isRecording() || isPassedTo(this)) return original.apply(this, args)
          return inSpan(nameId(callName(method, this), category), () => passOn(this, () => original.apply(this, args)))
        }
      }),
    ),
    ...Object.entries(ASYNC).flatMap(([method, category]) =>
      replace(method, original => {
        return function (this: object, ...args: unknown[]) {
          if (!state.isOn || !isRecording() || isPassedTo(this)) return original.apply(this, args)
          return record(callName(method, this), { category }, () => passOn(this, () => original.apply(this, args)))
        }
      }),
    ),
  ]
  return () => {
    state.isOn = false
    for (const restore of restores) restore()
  }
}

/** Records layers by their names, when they are applied to tensors and not to build a model. */
export function recordLayers(layer: Layer): () => void {
  const state: Switch = { isOn: true }
  const restore = replaceMember(layer, 'apply', original => {
    return function apply(this: Layer, inputs, kwargs) {
      if (!state.isOn || !isRecording() || !isTensor(inputs)) return original.call(this, inputs, kwargs)
      return inSpan(nameId(String(this.name), 'section'), () => original.call(this, inputs, kwargs))
    }
  })
  return () => {
    state.isOn = false
    restore()
  }
}

function isTensor(inputs: unknown): boolean {
  const first: unknown = Array.isArray(inputs) ? inputs[0] : inputs
  return typeof first === 'object' && first !== null && 'dataId' in first
}
function callName(method: string, { name }: { name?: unknown }): string {
  return typeof name === 'string' && name !== '' ? `${method} ${name}` : method
}
function isPassedTo(model: object): boolean {
  return passing !== undefined && (passing === model || passing.model === model)
}
function passOn<T>(model: object, body: () => T): T {
  const outer = passing
  passing = model
  try {
    return body()
  } finally {
    passing = outer
  }
}
