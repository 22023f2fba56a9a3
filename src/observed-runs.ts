// Between the integration of a runtime, which sees models run, and the tracing of requests, which wants to know.

/** A run of a model, as its native call begins. Tensors by name. */
export interface RunFacts {
  /** Name of the model's file, or of its graph. */
  model: string
  /** When the program asked for the run, CLOCK_MONOTONIC ns. */
  calledNs: bigint
  inputs: Readonly<Record<string, unknown>>
}
/** What an integration tells of a run that somebody follows. */
export interface ObservedRun {
  /** The inputs are with the runtime. */
  inputsReady(): void
  /** The runtime is done. */
  computed(outputs: Readonly<Record<string, unknown>>): void
  /** The program has the results, or an error. */
  end(hasFailed: boolean): void
}
/** Undefined for a run that is of no interest. */
export type RunObserver = (facts: RunFacts) => ObservedRun | undefined

const observers = new Set<RunObserver>()

/** Calls `observer` in the async context of each run; returns what ends that. */
export function observeRuns(observer: RunObserver): () => void {
  observers.add(observer)
  return () => observers.delete(observer)
}
export function areRunsObserved(): boolean {
  return observers.size > 0
}
/** Undefined where nobody follows it. */
export function beginObservedRun(facts: RunFacts): ObservedRun | undefined {
  if (observers.size === 0) return undefined
  const observed = [...observers].flatMap(observer => observer(facts) ?? [])
  if (observed.length <= 1) return observed[0]
  return {
    inputsReady() {
      for (const each of observed) each.inputsReady()
    },
    computed(outputs) {
      for (const each of observed) each.computed(outputs)
    },
    end(hasFailed) {
      for (const each of observed) each.end(hasFailed)
    },
  }
}
