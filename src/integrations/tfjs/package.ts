import { OpscopeError } from '../../errors.js'

// What is used of TensorFlow.js: its registry of kernels and public methods, as its own types have them.

export interface TensorInfo {
  shape: readonly number[]
  dtype: string
  dataId?: object
}
export type Inputs = Record<string, TensorInfo | undefined> | (TensorInfo | undefined)[]
export interface KernelConfig {
  kernelName: string
  backendName: string
  kernelFunc(params: object): TensorInfo | TensorInfo[]
}
type Gradients = Record<string, () => TensorInfo>
export interface GradientConfig {
  kernelName: string
  gradFunc(dy: unknown, saved: unknown, attrs: unknown): Gradients
}
/** What `tf.engine()` returns: one for all copies of the package in a thread. */
export interface Engine {
  readonly backendName: string | null | undefined
  /** Chooses a backend at the first use. */
  readonly backend: object
  runKernel(kernelName: string, inputs: Inputs, attrs?: object): TensorInfo | TensorInfo[]
  isTapeOn(): boolean
  gradients(...args: unknown[]): unknown
  makeTensor(values: unknown, shape: number[], dtype?: string, backend?: object): TensorInfo
  readSync(dataId: object): unknown
  read(dataId: object): Promise<unknown>
}
export interface Core {
  engine(): Engine
  getKernel(kernelName: string, backendName: string): KernelConfig | undefined
  registerKernel(config: KernelConfig): void
  unregisterKernel(kernelName: string, backendName: string): void
  getGradient(kernelName: string): GradientConfig | undefined
  registerGradient(config: GradientConfig): void
  unregisterGradient(kernelName: string): void
}
export interface Layer {
  name: string
  apply(inputs: unknown, kwargs?: unknown): unknown
}
// biome-ignore lint/suspicious/noExplicitAny: methods of several classes, with arguments of their own
export type Methods = Record<string, (...args: any[]) => unknown>

/** A module of TensorFlow.js; each package of it has some of these. */
export interface Package {
  core: Core | undefined
  layer: Layer | undefined
  models: Methods[]
}

const CORE: readonly (keyof Core)[] = [
  'engine',
  'getKernel',
  'registerKernel',
  'unregisterKernel',
  'getGradient',
  'registerGradient',
  'unregisterGradient',
]
const MODELS = ['LayersModel', 'Sequential', 'GraphModel']

/** @throws OpscopeError ERR_OPSCOPE_INTEGRATION */
export function packageOf(tf: unknown): Package {
  const given = (tf ?? {}) as Record<string, unknown>
  // A namespace of a CommonJS module may have all but its default left out.
  const names = hasAny(given) ? given : ((given.default ?? {}) as Record<string, unknown>)
  if (!hasAny(names)) {
    throw new OpscopeError(
      'ERR_OPSCOPE_INTEGRATION',
      'instrument() was given something else than TensorFlow.js.',
      "Pass the package itself: import * as tf from '@tensorflow/tfjs'; instrument(tf)",
    )
  }
  const { Layer } = (names.layers ?? {}) as { Layer?: { prototype: Layer } }
  return {
    core: isCore(names) ? (names as unknown as Core) : undefined,
    layer: Layer?.prototype,
    models: MODELS.map(name => names[name] as { prototype: Methods } | undefined).flatMap(each =>
      each === undefined ? [] : [each.prototype],
    ),
  }
}
function isCore(names: Record<string, unknown>): boolean {
  return CORE.every(name => typeof names[name] === 'function')
}
function hasAny(names: Record<string, unknown>): boolean {
  return isCore(names) || MODELS.some(name => typeof names[name] === 'function')
}
