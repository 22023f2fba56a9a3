// opscope summary of a file as Triton writes it, a stamp an object, beside a reader in Python that does the work of
// Triton's trace_summary.py in its way (trace_summary_peer.py; the original does it twice as often). Each in a process of
// its own: time from its start to its end, and the most memory it had.
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { median } from './rounds.mjs'
import { printRow } from './rows.mjs'

const SIZES = (process.argv[2] ?? '1e5,1e6').split(',')
const TIMES_PEER = 50
const MOST_MIB = 256
const fileOf = name => fileURLToPath(new URL(name, import.meta.url))
const OURS = `
  process.on('exit', () => process.stderr.write(String(process.resourceUsage().maxRSS)))
  await import(${JSON.stringify(new URL('../lib/cli/main.js', import.meta.url).href)})`
const PEER = `
import resource, runpy, sys
runpy.run_path(${JSON.stringify(fileOf('trace_summary_peer.py'))})
sys.stderr.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))`
const STAMPS = Object.entries({
  REQUEST_START: 40_000,
  QUEUE_START: 52_000,
  COMPUTE_START: 100_000,
  COMPUTE_INPUT_END: 130_500,
  COMPUTE_OUTPUT_START: 420_500,
  COMPUTE_END: 434_000,
  REQUEST_END: 446_000,
  GRPC_WAITREAD_START: 0,
  GRPC_WAITREAD_END: 20_000,
  INFER_RESPONSE_COMPLETE: 440_000,
  GRPC_SEND_START: 450_000,
  GRPC_SEND_END: 520_000,
})
const folder = mkdtempSync(join(tmpdir(), 'opscope-bench-'))

try {
  for (const size of SIZES) {
    const path = join(folder, 'trace.json')
    const bytes = writeTraces(path, Number(size))
    printRow(`size of a trace, ${size}`, bytes / Number(size), 'B')
    const peer = measure('python3', ['-c', PEER, path], 1)
    const ours = measure(process.execPath, ['--input-type=module', '-e', OURS, 'summary', path], 5)
    if (!ours.text.includes(`${Number(size).toLocaleString('en')} traces`)) throw new Error(ours.text)
    const floor = peer && Number(size) / peer.seconds / 1e6
    printRow(`opscope summary, ${size}`, Number(size) / ours.seconds / 1e6, 'M traces/s', {
      floor: floor ?? null,
      target: floor !== undefined && Number(size) >= 1e6 ? TIMES_PEER : null,
    })
    if (peer) printRow(`peer: python3, ${size}`, floor, 'M traces/s')
    printRow(`opscope summary, most memory, ${size}`, ours.mib, 'MiB', { target: MOST_MIB })
    if (peer) printRow(`peer: python3, most memory, ${size}`, peer.mib, 'MiB')
    rmSync(path)
  }
} finally {
  rmSync(folder, { recursive: true })
}

/** Undefined where the program is not installed, or has too little memory. */
function measure(command, args, runs) {
  const seconds = []
  let last
  for (let run = 0; run < runs; run++) {
    const start = performance.now()
    last = spawnSync(command, args, { encoding: 'utf8' })
    seconds.push((performance.now() - start) / 1000)
    if (last.status !== 0) {
      console.log(`${command}: ${last.error?.message ?? last.stderr.slice(-200)}, left out`)
      return undefined
    }
  }
  return { seconds: median(seconds), mib: Number(last.stderr.match(/\d+$/)) / 1024, text: last.stdout }
}

/** gRPC requests to one model, the fragments of each together and not in the order of time. */
function writeTraces(path, count) {
  const file = openSync(path, 'w')
  let text = '['
  let bytes = 0
  let startNs = 5_000_000_000_000
  for (let id = 1; id <= count; id++) {
    startNs += 100_000
    // Times that differ, in no order, and are the same in every run.
    const late = (id * 104_729) % 40_000
    const model = `{"id":${id},"model_name":"resnet50","model_version":3,"request_id":"r${id}"}`
    const stamps = STAMPS.map(
      ([name, ns]) => `{"id":${id},"timestamps":[{"name":"${name}","ns":${startNs + ns + (ns > 60_000 ? late : 0)}}]}`,
    )
    text += `${id === 1 ? '' : ','}${[model, ...stamps].join(',')}`
    if (text.length > 1 << 20 || id === count) {
      bytes += writeSync(file, id === count ? `${text}]` : text)
      text = ''
    }
  }
  closeSync(file)
  return bytes
}
