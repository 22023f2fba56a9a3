// The small image classifier of the demo, by batch size: npx opscope bench examples/bench/classifier.bench.mjs
import * as ort from 'onnxruntime-node'
import { record } from 'opscope'
import { bench, suite } from 'opscope/bench'
import { instrument } from 'opscope/integrations/onnxruntime'

import { demoImages, demoModel } from '../demo/demo-network.mjs'

instrument(ort) // the operators of the model become ops of the report

suite('classifier', () => {
  for (const batchSize of [1, 8]) {
    bench(`batch ${batchSize}`, ({ session, feeds }) => record('classify', () => session.run(feeds)), {
      items: batchSize,
      setup: async () => {
        const { data, dims } = demoImages(batchSize)
        return {
          session: await ort.InferenceSession.create(demoModel()),
          feeds: { image: new ort.Tensor('float32', data, dims) },
        }
      },
      teardown: ({ session }) => session.release(),
    })
  }
})
