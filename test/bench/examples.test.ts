import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

import { cli } from '../cli/run-cli.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

it('examples/bench/classifier.bench.mjs tells the operators of a model by batch size', async () => {
  const file = `${ROOT}examples/bench/classifier.bench.mjs`
  const { code, stdout, stderr } = await cli(['bench', file, '--budget', '2s', '--warmup', '20ms', '--one-process'])
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/classifier > batch 1 [\s\S]*classifier > batch 8 /)
  expect(stdout).toMatch(/Ops of classifier > batch 8, per iteration[\s\S]*Conv/)
}, 120_000)

it('examples/bench/tinybench.mjs gets its op report by one line', async () => {
  const run = promisify(execFile)(process.execPath, [`${ROOT}examples/bench/tinybench.mjs`, '10'], { cwd: ROOT })
  expect((await run).stdout).toMatch(/Ops of predict, per iteration\n.*\n {2}tokenize .*\n {2}embed /)
}, 120_000)
