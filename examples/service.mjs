// An image classifier behind HTTP that knows nothing of opscope; the environment profiles it:
//   npx opscope run --profile-path service.pftrace --quiet examples/service.mjs
//   npx opscope tables service.pftrace
// It answers as many requests as its first argument says, made by itself, and ends.
import { createServer } from 'node:http'

import * as ort from 'onnxruntime-node'

import { demoImages, demoModel } from './demo/demo-network.mjs'

const BATCH_SIZE = 4
const requestCount = Number(process.argv[2] ?? 40)

const session = await ort.InferenceSession.create(demoModel())
const server = createServer(async (_, response) => {
  const { data, dims } = demoImages(BATCH_SIZE)
  const { probabilities } = await session.run({ image: new ort.Tensor('float32', data, dims) })
  response.end(JSON.stringify([...probabilities.data]))
})
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))

const url = `http://127.0.0.1:${server.address().port}/`
let classCount = 0
for (let request = 0; request < requestCount; request++) {
  classCount += (await (await fetch(url)).json()).length
}
console.log(`${requestCount} requests answered, ${classCount} probabilities`)
server.close()
server.closeAllConnections()
await session.release()
