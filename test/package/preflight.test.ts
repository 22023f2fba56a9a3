import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { expect, it } from 'vitest'

const preflight = fileURLToPath(new URL('../../scripts/preflight.mjs', import.meta.url))

it('says in one line what to install on a machine without compiler, cmake and make', () => {
  const emptyPath = mkdtempSync(join(tmpdir(), 'opscope-preflight-'))
  const { status, stderr } = spawnSync(process.execPath, [preflight], { env: { PATH: emptyPath }, encoding: 'utf8' })
  rmSync(emptyPath, { recursive: true })

  expect(status).toBe(1)
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  expect(stderr).toContain('apt-get install g++ cmake make')
  expect(stderr).toContain('dnf install gcc-c++ cmake make')
  expect(stderr).toContain('xcode-select --install')
})
