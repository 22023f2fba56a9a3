// Keeps the picture of docs/architecture.md true: imports and includes follow its arrows.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

// A room imports from rooms of its own rank or below. What is not listed is the profiler's rank.
const GROUND = [
  'errors',
  'native-error',
  'binding',
  'native-tables',
  'raw-rows',
  'recording-codes',
  'gpu-row-columns',
  'columns',
  'growing-columns',
  'nearest-name',
  'option-checks',
  'row-checks',
  'rows-builder',
  'text-width',
  'html-text',
  'trace-context',
  'version',
]
const RANKS: Record<string, number> = {
  ...Object.fromEntries(GROUND.map(file => [file, 0])),
  model: 1,
  // What runs in the browser: the report puts it into a file, and shares its types.
  page: 2,
  report: 2,
  export: 2,
  import: 2,
  capture: 3,
  index: 5,
  ...Object.fromEntries(['cli', 'remote', 'serving', 'bench', 'integrations', 'register'].map(room => [room, 6])),
}
const PROFILER_RANK = 4
const roomOf = (file: string) => /^src\/([\w-]+)/.exec(file)?.[1] ?? ''
const rankOf = (file: string) => RANKS[roomOf(file)] ?? PROFILER_RANK

// What each folder of binding/ may include of the others, and of the outside world.
const INCLUDES: Record<string, { rooms: string[]; napi: boolean }> = {
  core: { rooms: ['core'], napi: false },
  format: { rooms: ['format', 'core'], napi: false },
  gpu: { rooms: ['gpu', 'core'], napi: false },
  include: { rooms: ['include'], napi: false },
  compat: { rooms: ['compat'], napi: false },
  node: { rooms: ['node', 'format', 'core', 'include'], napi: true },
  'addon.cc': { rooms: ['node', 'format', 'core', 'gpu', 'include'], napi: true },
}

function filesUnder(folder: string, suffix: RegExp): string[] {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
  return files.filter(file => suffix.test(file)).map(file => join(folder, file))
}
function matches(file: string, pattern: RegExp): string[] {
  return [...readFileSync(join(ROOT, file), 'utf8').matchAll(pattern)].map(match => match[1] ?? match[2] ?? '')
}

describe('src', () => {
  // Types may come from anywhere: they leave no import behind.
  const VALUE_IMPORT = /^(?:import|export)\s+(?!type\b)[^'"]*?from '(\.[^']+)'|\bimport\('(\.[^']+)'\)/gm

  it('imports only towards model and columns', () => {
    const files = filesUnder('src', /\.ts$/)
    expect(files).not.toEqual([])
    const wrong = files.flatMap(file =>
      matches(file, VALUE_IMPORT)
        .map(target => normalize(join(dirname(file), target)))
        .filter(target => rankOf(target) > rankOf(file))
        .map(target => `${file} -> ${target}`),
    )
    expect(wrong).toEqual([])
  })

  it('keeps Node out of what the page runs in a browser', () => {
    const pending = filesUnder('src/page', /\.ts$/)
    expect(pending).not.toEqual([])
    const seen = new Set(pending)
    // With all that they import.
    for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
      for (const target of matches(file, VALUE_IMPORT)) {
        const source = normalize(join(dirname(file), target)).replace(/\.js$/, '.ts')
        if (!seen.has(source)) pending.push(source)
        seen.add(source)
      }
    }
    const NODE_IMPORT = /^(?:import|export)\s+(?!type\b)[^'"]*?from '(node:[^']+)'/gm
    expect([...seen].flatMap(file => matches(file, NODE_IMPORT).map(target => `${file} -> ${target}`))).toEqual([])
  })
})

describe('binding', () => {
  const files = filesUnder('binding', /\.(cc|h)$/).filter(file => !/^binding\/(test|bench)\//.test(file))
  const roomOfSource = (file: string) => file.split('/')[1] ?? ''

  it('keeps Node-API in binding/node and addon.cc, and CUDA headers out of every file', () => {
    expect(files).not.toEqual([])
    const wrong = files.flatMap(file =>
      matches(file, /^#include\s+[<"]((?:napi|node_api|js_native_api|node|v8|uv|cuda|cupti)[\w.]*\.h)[>"]/gm)
        .filter(
          header =>
            !(INCLUDES[roomOfSource(file)]?.napi && /napi|node_api/.test(header)) &&
            !existsSync(join(ROOT, 'binding/gpu', header)),
        )
        .map(header => `${file} includes ${header}`),
    )
    expect(wrong).toEqual([])
  })

  it('includes only along the arrows node -> format -> core <- gpu', () => {
    const wrong = files.flatMap(file =>
      matches(file, /^#include\s+"((?:core|compat|format|gpu|node|include|opscope)\/[^"]+)"/gm)
        .map(header => header.replace(/^opscope\//, 'include/opscope/'))
        .filter(header => !INCLUDES[roomOfSource(file)]?.rooms.includes(header.split('/')[0] ?? ''))
        .map(header => `${file} includes ${header}`),
    )
    expect(wrong).toEqual([])
  })
})
