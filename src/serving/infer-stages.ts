import { types } from 'node:util'

import { recordStage } from './request-spans.js'
import {
  COMPUTE_END,
  COMPUTE_INPUT_END,
  COMPUTE_OUTPUT_START,
  COMPUTE_START,
  INFER_RESPONSE_COMPLETE,
  type Outcome,
} from './stamps.js'

/** What a computation is made of; each stage may be async. */
export interface ComputeStages<Input, Output, Result> {
  input?: () => Input | Promise<Input>
  infer: (input: Input) => Output | Promise<Output>
  /** @default the result is what `infer` gave */
  output?: (output: Output) => Result | Promise<Result>
}
/** The same with the wait before it. */
export interface InferStages<Input, Output, Result> extends ComputeStages<Input, Output, Result> {
  /** Waits for its turn. Where it throws, the inference was rejected. */
  queue?: () => unknown
}

/** What gets the moments of the stages: an inference, or a batch of them. */
export interface StageObserver {
  stamp(name: string): unknown
  end?(outcome: Outcome): void
}

/** Runs the stages one after another, and ends the inference that they are of. @throws what they throw, unchanged */
export async function runStages<Input, Output, Result>(
  { queue, input, infer, output }: InferStages<Input, Output, Result>,
  observer: StageObserver | undefined,
): Promise<Result> {
  let outcome: Outcome = 'rejected'
  try {
    if (queue !== undefined) await queue()
    outcome = 'failed'
    // What is not traced is in no recording either: its spans would stand in it without their request.
    const run = observer === undefined ? runPlain : recordStage
    observer?.stamp(COMPUTE_START)
    const given = input && run('compute_input', input)
    // Nothing is awaited that is there already: before Node 24 each await of a traced request costs half a microsecond.
    const tensor = isThenable(given) ? await given : given
    observer?.stamp(COMPUTE_INPUT_END)
    const computing = run('infer', () => infer(tensor as Input))
    const computed = isThenable(computing) ? await computing : computing
    observer?.stamp(COMPUTE_OUTPUT_START)
    const giving = output === undefined ? computed : run('compute_output', () => output(computed))
    const result = isThenable(giving) ? await giving : giving
    observer?.stamp(COMPUTE_END)
    observer?.stamp(INFER_RESPONSE_COMPLETE)
    observer?.end?.('ok')
    return result as Result
  } catch (error) {
    observer?.end?.(outcome)
    throw error
  }
}

function runPlain<T>(_: string, body: () => T): T {
  return body()
}
function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | undefined)?.then === 'function'
}

/** Ends what is observed when the body does, of whatever kind that is. @throws what the body throws, unchanged */
export function endWith<T>(observed: { end(outcome: Outcome): void }, body: () => T): T {
  let result: T
  try {
    result = body()
  } catch (error) {
    observed.end('failed')
    throw error
  }
  if (!types.isPromise(result)) {
    observed.end('ok')
    return result
  }
  return result.then(
    value => {
      observed.end('ok')
      return value
    },
    error => {
      observed.end('failed')
      throw error
    },
  ) as T
}
