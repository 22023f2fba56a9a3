// What a trace of a request costs the JavaScript thread that hands it to its file, with all that is done for it there
// later, beside the way of JavaScript alone: JSON.stringify of each trace, and appendFile of what came in the meantime.

import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { TraceFile } from '../lib/serving/trace-file.js'
import { HTTP_STAMPS } from './http-stamps.mjs'
import { median } from './rounds.mjs'
import { printRow } from './rows.mjs'

const TRACES = Number(process.argv[2] ?? 20_000)
const ROUNDS = 15

const folder = mkdtempSync(join(tmpdir(), 'opscope-bench-'))
/** Made before they are handed over, as a service makes them anyway; a new array of each, as there. */
const traces = Array.from({ length: TRACES }, (_, id) => {
  const startNs = process.hrtime.bigint()
  return {
    id: id + 1,
    parentId: 0,
    modelName: 'resnet50',
    modelVersion: 3,
    requestId: `${id.toString(16).padStart(8, '0')}-a1b2-4c3d-8e4f-1234567890ab`,
    stampNames: HTTP_STAMPS.slice(),
    stampNs: HTTP_STAMPS.map((_, index) => startNs + BigInt(index) * 1000n),
  }
})

const path = join(folder, 'trace.json')
const file = new TraceFile({ path, maxPendingMB: 1024 })
const times = { ours: [], oursWritten: [], peer: [] }
const sinceUs = start => (performance.now() - start) * 1000

try {
  for (let round = 0; round < ROUNDS; round++) {
    let start = performance.now()
    for (const trace of traces) file.add(trace)
    times.ours.push(sinceUs(start) / TRACES)
    await file.flush()
    times.oursWritten.push(sinceUs(start) / TRACES)
    start = performance.now()
    let text = ''
    for (const trace of traces) text += textOf(trace)
    await appendFile(join(folder, 'peer.json'), text)
    times.peer.push(sinceUs(start) / TRACES)
  }
  const us = Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]))
  printRow('TraceFile.add, a trace of 12 stamps', us.ours, 'µs', { target: 1 })
  printRow('the same, until it is in the file', us.oursWritten, 'µs')
  printRow('peer: JSON.stringify and appendFile, until it is in the file', us.peer, 'µs')
  const { added, written, dropped, bytes } = file.counts
  if (written !== added) throw new Error(`${dropped} traces were dropped`)
  if (bytes !== statSync(path).size) throw new Error('the counts do not know the size of the file')
  printRow('size of a trace in the file', bytes / written, 'B')
} finally {
  await file.close()
  rmSync(folder, { recursive: true })
}

/** JSON.stringify takes no bigint: a service has its times as numbers, which are exact for 104 days of uptime. */
function textOf({ id, modelName, modelVersion, requestId, stampNames, stampNs }) {
  const timestamps = stampNames.map((name, index) => ({ name, ns: Number(stampNs[index]) }))
  const model = { id, model_name: modelName, model_version: modelVersion, request_id: requestId }
  return `,${JSON.stringify({ id, timestamps })},${JSON.stringify(model)}`
}
