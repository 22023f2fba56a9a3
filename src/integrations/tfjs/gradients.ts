import { nameId } from '../../name-ids.js'
import type { Core, GradientConfig } from './package.js'
import { inSpan, isRecording, type Switch } from './spans.js'

type Gradients = ReturnType<GradientConfig['gradFunc']>

/** Replaces gradients of the registry by ones that record themselves, each when its kernel first runs under a tape. */
export class GradientWatch {
  readonly #originals = new Map<GradientConfig, GradientConfig>()

  constructor(
    readonly core: Core,
    readonly state: Switch,
  ) {}

  watch(kernelName: string): void {
    const config = this.core.getGradient(kernelName)
    if (config === undefined || this.#originals.has(config)) return
    const recording: GradientConfig = {
      ...config,
      gradFunc: (dy, saved, attrs) => {
        if (!this.state.isOn || !isRecording()) return config.gradFunc(dy, saved, attrs)
        const name = nameId(`${config.kernelName} gradient`, 'cpu_op')
        return recordedLater(
          name,
          inSpan(name, () => config.gradFunc(dy, saved, attrs)),
        )
      },
    }
    this.#originals.set(recording, config)
    this.#replace(recording)
  }
  restore(): void {
    for (const [recording, original] of this.#originals) {
      if (this.core.getGradient(original.kernelName) === recording) this.#replace(original)
    }
    this.#originals.clear()
  }

  // Taken out first: in its debug mode the registry warns of a gradient that is there twice.
  #replace(config: GradientConfig): void {
    this.core.unregisterGradient(config.kernelName)
    this.core.registerGradient(config)
  }
}

/** What a gradient function returns computes when it is asked for: a function for each input. */
function recordedLater(name: number, gradients: Gradients): Gradients {
  const later: Gradients = Array.isArray(gradients) ? ([...gradients] as never) : { ...gradients }
  for (const [key, compute] of Object.entries(later)) later[key] = () => inSpan(name, compute)
  return later
}
