// Runs that a runtime's integration sees → inferences of the running request, with their stages.
import { type ObservedRun, observeRuns, type RunFacts } from '../observed-runs.js'
import type { Inference } from './inference.js'
import { COMPUTE_END, COMPUTE_INPUT_END, COMPUTE_OUTPUT_START, COMPUTE_START } from './stamps.js'
import type { TensorLike } from './tensor-dump.js'
import type { ServingTracer } from './tracer.js'

/** Follows the runs of all integrations for the tracer; returns what ends that. */
export function followRuns(tracer: ServingTracer): () => void {
  return observeRuns(({ model, calledNs, inputs }: RunFacts): ObservedRun | undefined => {
    const inference = tracer.startRun(model, calledNs)
    if (inference === undefined) return undefined
    inference.stamp(COMPUTE_START)
    dump(inference, 'TENSOR_BACKEND_INPUT', inputs)
    return {
      inputsReady: () => inference.stamp(COMPUTE_INPUT_END),
      computed(outputs) {
        inference.stamp(COMPUTE_OUTPUT_START)
        dump(inference, 'TENSOR_BACKEND_OUTPUT', outputs)
      },
      end(hasFailed) {
        if (!hasFailed) inference.stamp(COMPUTE_END)
        inference.end(hasFailed ? 'failed' : 'ok')
      },
    }
  })
}

function dump(inference: Inference, activity: string, tensors: Readonly<Record<string, unknown>>): void {
  if (!inference.request.wantsTensors) return
  for (const [name, tensor] of Object.entries(tensors)) {
    if (isTensor(tensor)) inference.tensor(activity, name, tensor)
  }
}

function isTensor(value: unknown): value is TensorLike {
  return typeof value === 'object' && value !== null && 'data' in value
}
