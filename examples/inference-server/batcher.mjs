import { cancelled, queueIsFull } from './errors.mjs'

/** Collects images that come one by one, and computes them together. */
export class Batcher {
  #model
  #tracer
  #limits
  #waiting = []
  #timer
  #isRunning = false

  constructor(model, tracer, { maxBatch, maxDelayMs, maxQueue }) {
    this.#model = model
    this.#tracer = tracer
    this.#limits = { maxBatch, maxDelayMs, maxQueue }
  }

  /**
   * The probabilities of one image. `inference`, undefined where the request is not traced, gets the moments of its
   * batch. `signal`: aborted when nobody waits for the result any more.
   */
  submit(image, inference, signal) {
    if (this.#waiting.length >= this.#limits.maxQueue) {
      inference?.end('rejected')
      throw queueIsFull()
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ image, inference, signal, resolve, reject })
      this.#schedule()
    })
  }

  #schedule() {
    if (this.#isRunning || this.#waiting.length === 0) return
    if (this.#waiting.length >= this.#limits.maxBatch) this.#run()
    else this.#timer ??= setTimeout(() => this.#run(), this.#limits.maxDelayMs)
  }

  async #run() {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const batch = this.#take()
    if (batch.length === 0) return
    this.#isRunning = true
    try {
      const rows = await this.#tracer.batch(
        batch.map(({ inference }) => inference),
        {
          input: () => this.#model.prepare(batch.map(({ image }) => image)),
          infer: tensor => this.#model.run(tensor),
          output: probabilities => this.#model.split(probabilities),
        },
      )
      for (const [index, { resolve }] of batch.entries()) resolve(rows[index])
    } catch (error) {
      for (const { reject } of batch) reject(error)
    } finally {
      this.#isRunning = false
      this.#schedule()
    }
  }

  /** The next batch. Whoever is gone by now is left out. */
  #take() {
    const batch = []
    while (batch.length < this.#limits.maxBatch && this.#waiting.length > 0) {
      const item = this.#waiting.shift()
      if (item.signal.aborted) {
        item.inference?.end('cancelled')
        item.reject(cancelled())
      } else batch.push(item)
    }
    return batch
  }
}
