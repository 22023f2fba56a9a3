import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { publint } from 'publint'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { installPacked, type Packed, packOpscope, runIn } from './packed.js'
import { installByName, Registry } from './registry.js'

let packed: Packed
let project: string

beforeAll(() => {
  packed = packOpscope()
  project = installPacked(packed)
}, 240_000)
afterAll(() => {
  if (packed !== undefined) rmSync(packed.folder, { recursive: true, force: true })
})

describe('the npm tarball', () => {
  it('holds the binary, the built files and what a build from source needs, and no tests', () => {
    expect(packed.files).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^prebuilds\/\w+-\w+\/opscope(\.glibc|\.musl)?\.node$/),
        'lib/index.js',
        'lib/index.cjs',
        'lib/cli/main.js',
        'lib/page/page.js',
        'lib/page/page.css',
        'src/index.ts',
        'CMakeLists.txt',
        'binding/addon.cc',
        'binding/include/opscope/opscope.h',
        'LICENSE',
      ]),
    )
    expect(packed.files.filter(file => /(^|\/)(test|build|node_modules)\/|^(binding\/)?bench\//.test(file))).toEqual([])
  })

  it('has entry points that every kind of importer resolves', async () => {
    const file = readFileSync(packed.tarball)
    const tarball = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer
    const { messages } = await publint({ pack: { tarball }, strict: true })
    expect(messages).toEqual([])
  })
})

describe('a project that installed the tarball, with node and nothing else on its PATH', () => {
  it('records and prints a report through import', () => {
    const { stdout, stderr, status } = runIn(
      project,
      'report.mjs',
      `import { profiler, record } from 'opscope'
       profiler.startProfiler({ state: 'CPU' })
       await record('warm up', async () => {})
       await profiler.stopProfiler({ sortedKey: 'total' })`,
    )
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
    expect(stdout).toContain('warm up')
  })

  it('records and prints a report through require', () => {
    const { stdout, stderr, status } = runIn(
      project,
      'report.cjs',
      `const { profiler, op } = require('opscope')
       const matmul = op('matmul')
       profiler.startProfiler({ state: 'CPU' })
       matmul.begin()
       matmul.end()
       profiler.stopProfiler({ sortedKey: 'total' })`,
    )
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
    expect(stdout).toContain('matmul')
  })

  it('gets one instance, whether it imports or requires', () => {
    const { stdout, stderr } = runIn(
      project,
      'instance.mjs',
      `import { createRequire } from 'node:module'
       import * as imported from 'opscope'
       import * as importedIntegration from 'opscope/integrations/onnxruntime'
       const require = createRequire(import.meta.url)
       console.log(imported.OpscopeError === require('opscope').OpscopeError,
         importedIntegration.instrument === require('opscope/integrations/onnxruntime').instrument)`,
    )
    expect({ stdout, stderr }).toEqual({ stdout: 'true true\n', stderr: '' })
  })

  it('writes the HTML report', () => {
    const { stdout, stderr, status } = runIn(
      project,
      'html.mjs',
      `import { profile, recordSync } from 'opscope'
       const capture = await profile({ state: 'CPU' }, () => recordSync('sort', () => [2, 1].sort()))
       await capture.export('report.html')
       console.log((await capture.html()).length > 100_000)`,
    )
    expect({ stdout, stderr, status }).toEqual({ stdout: 'true\n', stderr: '', status: 0 })
  })

  it('finds the opscope command', () => {
    const cli = join(project, 'node_modules/.bin/opscope')
    const { stdout, status } = runIn(
      project,
      'cli.mjs',
      `import { execFileSync } from 'node:child_process'
       process.stdout.write(execFileSync(${JSON.stringify(cli)}, ['--help']))`,
    )
    expect(status).toBe(0)
    expect(stdout).toContain('Usage: opscope')
  })
})

describe('a project that installs opscope by name, and no script of any package', () => {
  it('needs no network once the packages are in the cache of npm', async () => {
    const registry = await Registry.of(packed)
    const cache = join(packed.folder, 'cache')
    await installByName(packed, 'first', ['--registry', registry.url, '--cache', cache])
    await registry.close()

    const offline = ['--registry', registry.url, '--offline', '--cache']
    await expect(installByName(packed, 'cold', [...offline, join(packed.folder, 'empty')])).rejects.toThrow(
      'ENOTCACHED',
    )
    const { stdout, stderr } = runIn(
      await installByName(packed, 'second', [...offline, cache]),
      'record.mjs',
      `import { profile, recordSync } from 'opscope'
       const capture = await profile({ state: 'CPU' }, () => recordSync('sort', () => [2, 1].sort()))
       console.log(capture.ops().map(row => [row.path, row.calls]))`,
    )
    expect({ stdout, stderr }).toEqual({ stdout: "[ [ [ 'sort' ], 1 ] ]\n", stderr: '' })
  }, 120_000)
})

// Alpine has another C library than the binaries were built for; node-gyp-build tells it by a file, or by LIBC.
it.runIf(process.platform === 'linux')(
  'a project on musl is told how to build a binary, and loads none of glibc',
  () => {
    const { stdout } = runIn(
      project,
      'musl.mjs',
      `import { startProfiler } from 'opscope'
     try { startProfiler() } catch (error) { console.log(error.code, error.message, error.cause.message) }`,
      { LIBC: 'musl' },
    )
    expect(stdout).toContain('ERR_OPSCOPE_NATIVE_MISSING')
    expect(stdout).toContain('npx cmake-js compile -d node_modules/opscope')
    expect(stdout).toContain('libc=musl')
  },
)

describe('a project on a platform that has no binary', () => {
  beforeAll(() => rmSync(join(project, 'node_modules/opscope/prebuilds'), { recursive: true }))

  it('imports opscope and runs instrumented code as if it were not there', () => {
    const { stdout, stderr } = runIn(
      project,
      'instrumented.mjs',
      `import { op, record } from 'opscope'
       const matmul = op('matmul')
       matmul.begin()
       matmul.end()
       console.log(await record('async', async () => 1), record('sync', () => 2))`,
    )
    expect({ stdout, stderr }).toEqual({ stdout: '1 2\n', stderr: '' })
  })

  it.each(['profiler.startProfiler', 'startProfiler'])(
    'says from %s() what is missing where, and how to build it',
    call => {
      const { stdout } = runIn(
        project,
        'missing.mjs',
        `import { ${call.split('.')[0]} } from 'opscope'
       try { ${call}() } catch (error) { console.log(error.code, error.message) }`,
      )
      expect(stdout).toContain('ERR_OPSCOPE_NATIVE_MISSING')
      expect(stdout).toContain(`${process.platform}-${process.arch}`)
      expect(stdout).toContain('npx cmake-js compile -d node_modules/opscope')
    },
  )
})
