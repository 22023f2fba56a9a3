// A small image classifier, profiled while it runs: npm run demo [-- tracerOption=OpDetail]
// Its network is made here, with fixed weights; nothing is downloaded. Options are those of
// profileBatches, as `name=value` or in the environment: OPSCOPE_TRACER_OPTION=AllOpDetail npm run demo
import { resolve } from 'node:path'

import * as ort from 'onnxruntime-node'
import { profileBatches, record, recordSync } from 'opscope'
import { instrument } from 'opscope/integrations/onnxruntime'

import { demoImages, demoModel } from './demo/demo-network.mjs'

const BATCHES = 50
const BATCH_SIZE = 8

const given = Object.fromEntries(process.argv.slice(2).map(argument => argument.split('=')))
const profilePath = resolve(given.profilePath ?? process.env.OPSCOPE_PROFILE_PATH ?? 'demo.pftrace')

instrument(ort)
const session = await ort.InferenceSession.create(demoModel())
const batches = profileBatches({ batchRange: [10, 20], state: 'All', sortedKey: 'total', ...given, profilePath })

const counts = new Array(10).fill(0)
for (let batch = 0; batch < BATCHES; batch++) {
  const { probabilities } = await record('classify', async () => {
    const { data, dims } = recordSync('load images', () => demoImages(BATCH_SIZE, batch))
    return session.run({ image: new ort.Tensor('float32', data, dims) })
  })
  for (let image = 0; image < BATCH_SIZE; image++) {
    const row = probabilities.data.subarray(image * counts.length, (image + 1) * counts.length)
    counts[row.indexOf(Math.max(...row))] += 1
  }
  await batches.step()
}
await session.release()

console.log(`\n${BATCHES * BATCH_SIZE} images classified, per class: ${counts.join(' ')}`)
console.log(`Profile of batches 10 to 19: ${profilePath}`)
console.log('Look at it: npx opscope view', profilePath)
console.log('Open it at https://ui.perfetto.dev, or print it again: npx opscope report', profilePath)
