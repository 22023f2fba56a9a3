import { addWarning } from '../../hooks.js'
import { nameId } from '../../name-ids.js'
import { setAttribute } from '../../span.js'
import { internName } from '../../span-calls.js'
import { replaceMember } from '../replace-member.js'
import { GradientWatch } from './gradients.js'
import type { Core, Engine, KernelConfig } from './package.js'
import { describeCall, inDescribedSpan, inSpan, isRecording, type Switch } from './spans.js'

// Their kernels are done when they return. Others (webgl, webgpu, who knows what) may queue work for a GPU and return.
const SYNCHRONOUS = new Set(['cpu', 'wasm', 'tensorflow'])
const COMPUTE = internName('compute', 'cpu_op', 'phase')
const DISPATCH = internName('dispatch', 'cpu_op', 'phase')

/**
 * Records every kernel as an op, and the function that the backend registered for it as its `compute`: what lies around
 * it is TensorFlow.js's own work, such as making tensors and remembering them for gradients.
 */
export function recordKernels(core: Core): () => void {
  const state: Switch = { isOn: true }
  const kernels = new KernelWatch(core, state)
  const gradients = new GradientWatch(core, state)
  const engine = Object.getPrototypeOf(core.engine()) as Engine
  const restoreRun = replaceMember(engine, 'runKernel', original => {
    return function runKernel(this: Engine, kernelName, inputs, attrs) {
      if (!state.isOn || !isRecording()) return original.call(this, kernelName, inputs, attrs)
      return inDescribedSpan(
        nameId(String(kernelName), 'cpu_op'),
        () => {
          // As the engine itself does first; only then is it known whose kernel it is.
          if (this.backendName == null) void this.backend
          kernels.watch(kernelName, this.backendName!)
          if (this.isTapeOn()) gradients.watch(kernelName)
          return kernels.run(() => original.call(this, kernelName, inputs, attrs))
        },
        (spanId, outputs) => {
          describeCall(spanId, inputs, outputs)
          setAttribute(spanId, 'backend', String(this.backendName))
        },
      )
    }
  })
  const restoreGradients = replaceMember(engine, 'gradients', original => {
    return function gradients(this: Engine, ...args) {
      if (!state.isOn || !isRecording()) return original.apply(this, args)
      return inSpan(nameId('gradients', 'section'), () => original.apply(this, args))
    }
  })
  return () => {
    state.isOn = false
    restoreGradients()
    restoreRun()
    gradients.restore()
    kernels.restore()
  }
}

/** Replaces kernels of the registry by ones that record themselves, each at its first use. */
class KernelWatch {
  readonly #originals = new Map<KernelConfig, KernelConfig>()
  /** Of runKernel() calls under way: a kernel that is called by others has no op around it. */
  #running = 0

  constructor(
    readonly core: Core,
    readonly state: Switch,
  ) {}

  watch(kernelName: string, backendName: string): void {
    const config = this.core.getKernel(kernelName, backendName)
    if (config === undefined || this.#originals.has(config)) return
    const recording = this.#recording(config)
    this.#originals.set(recording, config)
    this.#replace(config, recording)
  }
  run<T>(body: () => T): T {
    this.#running++
    try {
      return body()
    } finally {
      this.#running--
    }
  }
  restore(): void {
    for (const [recording, original] of this.#originals) {
      const { kernelName, backendName } = original
      if (this.core.getKernel(kernelName, backendName) === recording) this.#replace(recording, original)
    }
    this.#originals.clear()
  }

  // Taken out first: the registry warns of a kernel that is there twice.
  #replace({ kernelName, backendName }: KernelConfig, config: KernelConfig): void {
    this.core.unregisterKernel(kernelName, backendName)
    this.core.registerKernel(config)
  }
  #recording(config: KernelConfig): KernelConfig {
    const isSynchronous = SYNCHRONOUS.has(config.backendName)
    const phase = isSynchronous ? COMPUTE : DISPATCH
    return {
      ...config,
      kernelFunc: params => {
        if (!this.state.isOn || this.#running === 0 || !isRecording()) return config.kernelFunc(params)
        if (!isSynchronous) {
          addWarning(
            'tfjs-dispatch-only',
            `kernels of backend ${config.backendName} go on after their call: their time is that of the call`,
          )
        }
        return inSpan(phase, () => config.kernelFunc(params))
      },
    }
  }
}
