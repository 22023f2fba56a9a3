import { Batcher } from './batcher.mjs'
import { badRequest, notFound } from './errors.mjs'
import { CLASSES, IMAGE_BYTES, loadModel, MODEL } from './model.mjs'

/** What both front ends serve: one model behind one queue. */
export class InferenceService {
  #model
  #batcher
  #tracer

  static async start(tracer, options) {
    const service = new InferenceService()
    service.#tracer = tracer
    service.#model = await loadModel()
    service.#batcher = new Batcher(service.#model, tracer, options)
    return service
  }

  /** `image`: its pixels; `signal`: aborted when the client is gone. Gives the probability of each class. */
  infer({ model, id, image, signal }) {
    if (model !== MODEL.name) throw notFound(`There is no model "${model}".`)
    if (image?.length !== IMAGE_BYTES) throw badRequest(`An image has ${IMAGE_BYTES} bytes.`)
    // The inference begins here, waits, is computed in a batch, and ends when the promise of this function does.
    return this.#tracer.infer({ model, version: MODEL.version, requestId: id || undefined }, inference =>
      this.#batcher.submit(image, inference, signal),
    )
  }

  stop() {
    return this.#model.release()
  }
}

export const OUTPUT = { name: 'probabilities', datatype: 'FP32', shape: [1, CLASSES] }
