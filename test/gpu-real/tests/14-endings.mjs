import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { loadCapture } from 'opscope'

import { runChild } from '../children.mjs'
import { lastRows, recordGpu } from '../rows.mjs'

/** What a child ends with, and whether its file is complete then. */
const ENDINGS = [
  ['runs out of work', 'code 0', true],
  ['process.exit', 'code 7', true],
  ['throw', 'code 1', true],
  ['exit with work in flight', 'code 7', true],
  ['SIGTERM', 'SIGTERM', false],
]

export const title = 'Fork, exits and signals'
export const truth = 'exit codes of children, kernels in their files'

export async function run({ gpu, host, check, scratch }) {
  let forked
  const { rows } = await recordGpu(() => {
    gpu.spin(20, 10)
    forked = host.fork()
    gpu.spin(20, 10)
  })
  check.equal('a forked child ends with', 7, forked)
  check.equal('its parent records on: kernels', 20, rows.kernelCount('gs_spin_kernel'))

  for (const [ending, expected, hasFile] of ENDINGS) {
    const path = join(scratch, `ending-${ending.replaceAll(/\W/g, '-')}.pftrace`)
    const { status, signal, stderr } = runChild('ending.mjs', [ending, path], 30)
    check.equal(`${ending}: ends with`, expected, signal ?? `code ${status}`)
    if (signal === null && expected !== `code ${status}`)
      check.note(`${ending}: says`, stderr.trim().split('\n').at(-1))
    if (!hasFile) continue
    if (!existsSync(path)) {
      check.equal(`${ending}: file`, 'there', 'missing')
      continue
    }
    const kernels = await kernelsIn(path)
    // At an exit nobody waits for the GPU: what is in flight may be missing, what is done may not.
    check.within(`${ending}: kernels in the file`, kernels, 20, ending.includes('flight') ? 40 : 20)
    rmSync(path)
  }
}

async function kernelsIn(path) {
  await loadCapture(path)
  return lastRows().kernelCount('gs_spin_kernel')
}
