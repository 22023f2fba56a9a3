import { constant, encodeModel, node, value } from './onnx-model.mjs'

const IMAGE = { channels: 3, size: 64 }
const STAGES = [16, 32, 64]
const HIDDEN = 128
const CLASSES = 10

/** Numbers in [-0.5, 0.5), the same on every machine (a 32-bit linear congruence). */
export function fixedNoise(count, seed) {
  const noise = new Float32Array(count)
  let state = seed >>> 0
  for (let index = 0; index < count; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    noise[index] = state / 2 ** 32 - 0.5
  }
  return noise
}

/** A batch of images for the network, waves of different widths with some noise: the feed of input `image`. */
export function demoImages(batchSize, seed = 1) {
  const dims = [batchSize, IMAGE.channels, IMAGE.size, IMAGE.size]
  const pixels = IMAGE.channels * IMAGE.size ** 2
  const data = fixedNoise(batchSize * pixels, seed)
  for (let image = 0; image < batchSize; image++) {
    const frequency = ((seed * batchSize + image) % 29) / 20
    for (let pixel = 0; pixel < pixels; pixel++) data[image * pixels + pixel] += 2 * Math.sin(pixel * frequency)
  }
  return { dims, data }
}

/**
 * A small image classifier: three times convolution, relu, max pooling; then two matrix products and
 * a softmax over ten classes. Input `image` [batch, 3, 64, 64], output `probabilities` [batch, 10].
 * `kernels` makes a convolution another size than 3 by 3, which changes how long it takes and nothing around it.
 */
export function demoModel(kernels = {}) {
  const nodes = []
  const constants = []
  const weights = (name, dims) => {
    const count = dims.reduce((product, each) => product * each, 1)
    // Scaled by the fan-in, so that activations neither die nor explode.
    const scale = Math.sqrt(12 / (count / (dims.length === 4 ? dims[0] : dims[1])))
    const data = fixedNoise(count, constants.length + 7).map(each => each * scale)
    constants.push(constant(name, dims, data))
    return name
  }
  let from = 'image'
  let channels = IMAGE.channels
  for (const [index, width] of STAGES.entries()) {
    const at = index + 1
    const size = kernels[`conv${at}`] ?? 3
    const kernel = weights(`conv${at}_weight`, [width, channels, size, size])
    const shape = { kernel_shape: [size, size], pads: new Array(4).fill((size - 1) / 2) }
    nodes.push(node('Conv', `conv${at}`, [from, kernel], [`conv${at}_out`], shape))
    nodes.push(node('Relu', `relu${at}`, [`conv${at}_out`], [`relu${at}_out`]))
    nodes.push(
      node('MaxPool', `pool${at}`, [`relu${at}_out`], [`pool${at}_out`], { kernel_shape: [2, 2], strides: [2, 2] }),
    )
    from = `pool${at}_out`
    channels = width
  }
  const flat = channels * (IMAGE.size / 2 ** STAGES.length) ** 2
  constants.push(constant('flat_shape', [2], BigInt64Array.of(-1n, BigInt(flat))))
  nodes.push(node('Reshape', 'flatten', [from, 'flat_shape'], ['flat']))
  nodes.push(node('MatMul', 'dense1', ['flat', weights('dense1_weight', [flat, HIDDEN])], ['dense1_out']))
  nodes.push(node('Add', 'bias1', ['dense1_out', weights('bias1_value', [1, HIDDEN])], ['bias1_out']))
  nodes.push(node('Relu', 'relu4', ['bias1_out'], ['relu4_out']))
  nodes.push(node('MatMul', 'dense2', ['relu4_out', weights('dense2_weight', [HIDDEN, CLASSES])], ['logits']))
  nodes.push(node('Softmax', 'softmax', ['logits'], ['probabilities'], { axis: 1 }))
  return encodeModel({
    name: 'demo',
    nodes,
    constants,
    inputs: [value('image', ['batch', IMAGE.channels, IMAGE.size, IMAGE.size])],
    outputs: [value('probabilities', ['batch', CLASSES])],
  })
}
