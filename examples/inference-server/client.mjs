// Sends images to the server, half over HTTP and half over gRPC, some at a time:
//   node examples/inference-server/client.mjs [COUNT] [CONCURRENCY]
// With FLAGS_profile_client=1 it writes what the stages took, as Paddle Serving's client does; with FLAGS_profile_server=1
// those of the server, too.
import grpc from '@grpc/grpc-js'
import { grpcClientProfiler, profiledFetch, stage } from 'opscope/serving'

import { demoImages } from '../demo/demo-network.mjs'
import { GRPCInferenceService } from './grpc-front.mjs'

const count = Number(process.argv[2] ?? 100)
const concurrency = Number(process.argv[3] ?? 8)
const { HTTP_URL = 'http://127.0.0.1:8000', GRPC_ADDRESS = '127.0.0.1:8001' } = process.env

const fetch = profiledFetch()
const interceptors = [grpcClientProfiler()]
const grpcClient = new GRPCInferenceService(GRPC_ADDRESS, grpc.credentials.createInsecure(), { interceptors })
const images = Array.from({ length: 16 }, (_, seed) => stage('image_pre', () => pixelsOf(demoImages(1, seed).data)))
const classCounts = new Array(10).fill(0)
const times = { http: [], grpc: [] }
const failures = new Map()

let next = 0
await Promise.all(Array.from({ length: concurrency }, work))
grpcClient.close()
report()

/** One at a time, until all are sent. */
async function work() {
  while (next < count) {
    const id = next++
    const protocol = id % 2 === 0 ? 'http' : 'grpc'
    const start = performance.now()
    try {
      const probabilities = await (protocol === 'http' ? inferHttp : inferGrpc)(String(id), images[id % images.length])
      times[protocol].push(performance.now() - start)
      classCounts[probabilities.indexOf(Math.max(...probabilities))]++
    } catch ({ message }) {
      failures.set(message, (failures.get(message) ?? 0) + 1)
    }
  }
}

async function inferHttp(id, image) {
  const inputs = [{ name: 'image', shape: [1, 3, 64, 64], datatype: 'UINT8', data: Array.from(image) }]
  const response = await fetch(`${HTTP_URL}/v2/models/demo/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id, inputs }),
  })
  const answer = await response.json()
  if (!response.ok) throw new Error(answer.error)
  return answer.outputs[0].data
}

function inferGrpc(id, image) {
  const inputs = [{ name: 'image', shape: [1, 3, 64, 64], datatype: 'UINT8' }]
  const request = { model_name: 'demo', id, inputs, raw_input_contents: [image] }
  return new Promise((resolve, reject) => {
    grpcClient.ModelInfer(request, (error, answer) => {
      if (error !== null) return reject(new Error(error.details))
      // A copy: four bytes long numbers must begin at a multiple of four.
      resolve(new Float32Array(Uint8Array.from(answer.raw_output_contents[0]).buffer))
    })
  })
}

/** Bytes, as a picture has them. */
function pixelsOf(data) {
  return Uint8Array.from(data, value => Math.max(0, Math.min(255, Math.round(value * 50 + 128))))
}

function report() {
  for (const [protocol, ms] of Object.entries(times)) {
    const sorted = ms.toSorted((a, b) => a - b)
    const at = share => sorted[Math.floor(sorted.length * share)]?.toFixed(1)
    console.log(`${protocol}: ${sorted.length} answers, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`)
  }
  console.log(`images per class: ${classCounts.join(' ')}`)
  for (const [message, times] of failures) console.log(`${times} times: ${message}`)
}
