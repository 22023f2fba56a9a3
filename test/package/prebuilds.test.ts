import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const ADDON = 'build/Release/opscope.node'
const FOREIGN_ADDON = 'build/test-addon/opscope_test_addon.node'
const prebuilt = readdirSync(join(ROOT, 'prebuilds'), { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.glibc.node'))
  .map(file => join('prebuilds', file))

function runScript(name: string, args: string[], env: NodeJS.ProcessEnv = process.env) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join('scripts', name), ...args], {
    cwd: ROOT,
    env,
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

describe.runIf(process.platform === 'linux')('the check of the glibc floor', () => {
  it.skipIf(!existsSync(join(ROOT, ADDON)))('refuses a binary that takes the C++ runtime from its system', () => {
    const { status, stderr } = runScript('check-glibc-floor.mjs', [ADDON])
    expect(status).toBe(1)
    expect(stderr).toContain('needs libstdc++.so.6, which a system may lack')
  })

  it.skipIf(!existsSync(join(ROOT, FOREIGN_ADDON)))('refuses a binary that shows other symbols than its three', () => {
    const { status, stderr } = runScript('check-glibc-floor.mjs', [FOREIGN_ADDON])
    expect(status).toBe(1)
    expect(stderr).toContain('  exports opscope_slot_v1\n')
    expect(stderr).toContain('  does not export opscope_api_v1\n')
  })

  it.skipIf(prebuilt.length === 0)('passes each binary in prebuilds/ (skipped without: npm run prebuilds)', () => {
    const { status, stdout, stderr } = runScript('check-glibc-floor.mjs', prebuilt)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    for (const file of prebuilt) expect(stdout).toContain(`${file}: `)
  })
})

describe('npm run prebuilds', () => {
  it('fails for a platform that this one cannot build for', () => {
    const { status, stderr } = runScript('prebuilds.mjs', ['linux-s390x'])
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: `linux-s390x: cannot be built on ${process.platform}-${process.arch}\n`,
    })
  })

  it.runIf(process.platform === 'linux' && process.arch === 'x64')(
    'fails for a platform that is named and whose cross compiler is absent, and tells how to get it',
    () => {
      const emptyPath = mkdtempSync(join(tmpdir(), 'opscope-prebuilds-'))
      const { status, stderr } = runScript('prebuilds.mjs', ['linux-arm64'], { PATH: emptyPath })
      rmSync(emptyPath, { recursive: true })
      expect(status).toBe(1)
      expect(stderr).toBe(
        'linux-arm64: aarch64-linux-gnu-g++ and aarch64-linux-gnu-strip not found ' +
          '(Debian, Ubuntu: apt-get install g++-aarch64-linux-gnu)\n',
      )
    },
  )
})
