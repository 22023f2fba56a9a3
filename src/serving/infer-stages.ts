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

/** Runs the stages one after another. @throws what they throw, unchanged */
export async function runStages<Input, Output, Result>(
  { queue, input, infer, output }: InferStages<Input, Output, Result>,
  observer: StageObserver | undefined,
): Promise<Result> {
  try {
    await queue?.()
  } catch (error) {
    observer?.end?.('rejected')
    throw error
  }
  // What is not traced is in no recording either: its spans would stand in it without their request.
  const run = observer === undefined ? runPlain : recordStage
  observer?.stamp(COMPUTE_START)
  const given = await (input === undefined ? undefined : run('compute_input', input))
  observer?.stamp(COMPUTE_INPUT_END)
  const computed = await run('infer', () => infer(given as Input))
  observer?.stamp(COMPUTE_OUTPUT_START)
  const result = await (output === undefined ? computed : run('compute_output', () => output(computed)))
  observer?.stamp(COMPUTE_END)
  observer?.stamp(INFER_RESPONSE_COMPLETE)
  return result as Result
}

function runPlain<T>(_: string, body: () => T): T {
  return body()
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
