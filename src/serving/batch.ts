import type { Inference } from './inference.js'

/** Inferences that are computed together. */
export class Batch {
  readonly id: number
  /** Those that are traced. */
  readonly inferences: readonly Inference[]

  constructor(id: number, inferences: readonly Inference[], size: number) {
    this.id = id
    this.inferences = inferences
    for (const inference of inferences) inference.batch = { id, size }
  }
  stamp(name: string): void {
    for (const inference of this.inferences) inference.stamp(name)
  }
}
