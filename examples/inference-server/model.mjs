import * as ort from 'onnxruntime-node'

import { demoModel } from '../demo/demo-network.mjs'

export const MODEL = { name: 'demo', version: 1 }
export const IMAGE_SHAPE = [3, 64, 64]
export const IMAGE_BYTES = 3 * 64 * 64
export const CLASSES = 10

/** A classifier of small images. Its three steps are the stages of a batch in a trace. */
export async function loadModel() {
  // The other cores are for other requests: a run this small gains nothing from threads of its own.
  const session = await ort.InferenceSession.create(demoModel(), { intraOpNumThreads: 1 })
  return {
    /** Pixels of 0 to 255 → one tensor of about -2.5 to 2.5. */
    prepare(images) {
      const data = new Float32Array(images.length * IMAGE_BYTES)
      for (const [index, pixels] of images.entries()) {
        const start = index * IMAGE_BYTES
        for (let pixel = 0; pixel < IMAGE_BYTES; pixel++) data[start + pixel] = (pixels[pixel] - 128) / 50
      }
      return new ort.Tensor('float32', data, [images.length, ...IMAGE_SHAPE])
    },
    async run(image) {
      const { probabilities } = await session.run({ image })
      return probabilities.data
    },
    /** One row of probabilities for each image. */
    split(probabilities) {
      const count = probabilities.length / CLASSES
      return Array.from({ length: count }, (_, row) => probabilities.subarray(row * CLASSES, (row + 1) * CLASSES))
    },
    release: () => session.release(),
  }
}
