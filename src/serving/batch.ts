import type { Inference } from './inference.js'

/** Inferences that are computed together. */
export class Batch {
  readonly id: number
  /** Of all of them. */
  readonly size: number
  /** Those that are traced. */
  readonly inferences: readonly Inference[]

  constructor(id: number, inferences: readonly Inference[], size: number) {
    this.id = id
    this.size = size
    this.inferences = inferences
    for (const inference of inferences) inference.batch = { id, size }
  }
  stamp(name: string): void {
    const now = this.inferences[0]?.request.now() ?? 0n
    for (const inference of this.inferences) inference.stampAt(name, now)
  }
}
