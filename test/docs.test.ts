// Keeps README.md, CHANGELOG.md and docs/ true. Every js block is run as a program and every sh block as a script, in
// the order of their page, in a folder that has trace.pftrace (examples/sample-trace.mjs) and opscope as a dependency.
// A c block that begins with a file name is written there. A text block right after a block that runs is exactly what
// it prints; sample output that differs from run to run is marked txt, commands that are not run are marked console.
import { execFile } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

import { benchCommand } from '../src/cli/commands/bench.js'
import { captureCommand } from '../src/cli/commands/capture.js'
import { convertCommand } from '../src/cli/commands/convert.js'
import { diffCommand } from '../src/cli/commands/diff.js'
import { doctorCommand } from '../src/cli/commands/doctor.js'
import { gateCommand } from '../src/cli/commands/gate.js'
import { mergeCommand } from '../src/cli/commands/merge.js'
import { reportCommand } from '../src/cli/commands/report.js'
import { runCommand } from '../src/cli/commands/run.js'
import { showProfileCommand } from '../src/cli/commands/show-profile.js'
import { summaryCommand } from '../src/cli/commands/summary.js'
import { tablesCommand } from '../src/cli/commands/tables.js'
import { timelineCommand } from '../src/cli/commands/timeline.js'
import { topCommand } from '../src/cli/commands/top.js'
import { viewCommand } from '../src/cli/commands/view.js'
import { environmentName, OPTION_KEYS } from '../src/options.js'
import { REGISTER_VARIABLES } from '../src/register/settings.js'
import { PROFILE_VARIABLES } from '../src/serving/profile-switch.js'
import { OUTCOME_STAMPS } from '../src/serving/stamps.js'
import { TRACER_OPTION_KEYS } from '../src/serving/tracer-options.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8')
const PAGES = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter(file => file.endsWith('.md'))
    .map(file => `docs/${file}`),
]
const COMMANDS = [
  runCommand(),
  reportCommand(),
  convertCommand(),
  timelineCommand(),
  mergeCommand(),
  tablesCommand(),
  diffCommand(),
  summaryCommand(),
  showProfileCommand(),
  captureCommand(),
  topCommand(),
  viewCommand(),
  benchCommand(),
  gateCommand(),
  doctorCommand(),
].map(each => [each.name(), each] as const)
const BLOCK = /^( *)```(\w*)\n([\s\S]*?)^ *```$(?:\s*^ *```text\n([\s\S]*?)^ *```$)?/gm
const NPX = `npx() { shift; '${process.execPath}' '${join(ROOT, 'lib/cli/main.js')}' "$@"; }\n`

/** Runs a program to its end, which must be a good one; what it printed. */
async function run(cwd: string, command: string, args: string[]): Promise<string> {
  return (await promisify(execFile)(command, args, { cwd, timeout: 100_000 })).stdout
}
/** A project that depends on opscope as it is built now. */
async function makeProject(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'opscope-docs-'))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(ROOT, join(folder, 'node_modules/opscope'))
  const packages = [
    'onnxruntime-node',
    'node-api-headers',
    'nodejs-polars',
    'apache-arrow',
    '@duckdb',
    'express',
    'fastify',
    'tinybench',
    '@grpc',
    '@opentelemetry',
    '@tensorflow',
  ]
  for (const name of [...packages.map(each => `node_modules/${each}`), 'examples']) {
    symlinkSync(join(ROOT, name), join(folder, name))
  }
  await run(folder, process.execPath, [join(ROOT, 'examples/sample-trace.mjs')])
  return folder
}
/** What the block prints; undefined when it is not to be run. */
async function outputOf(folder: string, language: string, text: string): Promise<string | undefined> {
  const file = join(folder, /^\/\* (\S+) \*\/\n/.exec(text)?.[1] ?? 'program.mjs')
  if (language === 'c' || language === 'js') writeFileSync(file, text)
  if (language === 'js') return run(folder, process.execPath, [file])
  return language === 'sh' ? run(folder, 'bash', ['-euo', 'pipefail', '-c', NPX + text]) : undefined
}
const trimmed = (text: string | undefined) => text?.replaceAll(/ +$/gm, '').trimEnd()

describe.each(PAGES)('%s', page => {
  it.concurrent('shows only what runs, and what it prints', async () => {
    const folder = await makeProject()
    for (const [, indent = '', language = '', body = '', shown] of read(page).matchAll(BLOCK)) {
      const printed = await outputOf(folder, language, body.replaceAll(new RegExp(`^${indent}`, 'gm'), ''))
      if (shown !== undefined) expect(trimmed(printed)).toBe(trimmed(shown))
    }
    rmSync(folder, { recursive: true })
  }, 120_000)

  it('links to what exists', () => {
    const anchorsOf = (file: string) =>
      namesIn(read(file), /^#+ (.*)$/gm).map(title =>
        title
          .toLowerCase()
          .replaceAll(/[^\w\- ]/g, '')
          .replaceAll(' ', '-'),
      )
    const broken = [...read(page).matchAll(/\]\((?!https?:)([^)#]*)#?([^)]*)\)/g)].filter(
      ([, path = '', anchor = '']) => {
        const target = path === '' ? page : join(dirname(page), path)
        return !existsSync(join(ROOT, target)) || (anchor !== '' && !anchorsOf(target).includes(anchor))
      },
    )
    expect(broken.map(([link]) => link)).toEqual([])
  })
})

/** What the pattern's first group matches: sorted, each once. */
function namesIn(text: string, pattern: RegExp): string[] {
  return [...new Set(Array.from(text.matchAll(pattern), match => match[1] ?? ''))].sort()
}
function sourceText(folder: string, suffix: RegExp): string {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
  return files
    .flatMap(file => (suffix.test(file) && !/^(test|bench)\b/.test(file) ? read(join(folder, file)) : []))
    .join('\n')
}
/** The words in the first column of the tables under this title. */
function tableOf(page: string, title: string): string[] {
  const [, level = ''] = /^(#+)/.exec(title) ?? []
  const [, section = ''] = `\n${read(page)}`.split(`\n${title}\n`)
  return namesIn(section.split(new RegExp(`\n#{1,${level.length}} `))[0] ?? '', /^\| `([\w-]+)/gm)
}

describe('the docs and the sources name the same', () => {
  const variables = [
    ...OPTION_KEYS.map(environmentName),
    ...namesIn(sourceText('binding/gpu', /\.cc$/), /"(OPSCOPE_[A-Z_]+)"/g),
    ...REGISTER_VARIABLES,
    ...PROFILE_VARIABLES,
  ]

  it('options', () => {
    expect(tableOf('docs/api.md', '### Options')).toEqual([...OPTION_KEYS].sort())
  })
  it('options of a tracer of requests', () => {
    expect(tableOf('docs/serving.md', '## Options')).toEqual([...TRACER_OPTION_KEYS].sort())
  })
  it('environment variables', () => {
    expect(namesIn(read('docs/environment.md'), /^## (\w+)$/gm)).toEqual(variables.toSorted())
    const used = namesIn(sourceText('src', /^register.*\.ts$/), /\b((?:OPSCOPE|FURIOSA)_[A-Z_]+)/g)
    expect(variables).toEqual(expect.arrayContaining(used))
    const inHeader = namesIn(read('binding/include/opscope/opscope.h'), /(OPSCOPE_\w+)/g)
    const known = [...variables, ...Object.values(OUTCOME_STAMPS), ...inHeader]
    expect(known).toEqual(expect.arrayContaining(namesIn(PAGES.map(read).join(), /\b(OPSCOPE_\w+)/g)))
  })
  it.each(COMMANDS)('options of opscope %s', (name, command) => {
    const options = tableOf(`docs/${name}.md`, `# opscope ${name}`).filter(word => word.startsWith('--'))
    expect(options).toEqual(command.options.map(({ long }) => long).sort())
  })
  it('error codes', () => {
    const codes = namesIn(read('src/errors.ts'), /'(ERR_OPSCOPE_\w+)'/g)
    expect(tableOf('docs/errors-and-warnings.md', '## Errors')).toEqual(codes)
  })
  it('warning codes', () => {
    const native = namesIn(
      sourceText('binding', /\.(cc|h)$/),
      /(?:[Ww]arn\(|\badd\(|push_back\(\s*\{|RecorderCounts::\w+, "\w+",)\s*"([a-z]+-[a-z-]+)",/g,
    )
    const ours = namesIn(sourceText('src', /\.ts$/), /(?:[wW]arn(?:ing)?\(\s*|trouble\(\s*|code: )'([a-z]+-[a-z-]+)',/g)
    const findings = tableOf('docs/op-report.md', '## Findings')
    const codes = new Set([...native, ...ours.filter(code => !findings.includes(code))])
    expect(tableOf('docs/errors-and-warnings.md', '## Warnings')).toEqual([...codes].sort())
  })
  it('findings', () => {
    const [, list = ''] = /FindingCode =([\s\S]*?)\n\n/.exec(read('src/model/findings.ts')) ?? []
    expect(tableOf('docs/op-report.md', '## Findings')).toEqual(namesIn(list, /'([\w-]+)'/g))
  })
  it('exports', () => {
    const names = read('src/index.ts').replaceAll(/ from '.*'|\bexport\b|\btype\b|VERSION as/g, '')
    const exported = namesIn(names, /(\w+)/g)
    expect(namesIn(read('docs/api.md'), /`(\w+)(?=[`([])/g)).toEqual(expect.arrayContaining(exported))
    const described = namesIn(namesIn(read('docs/api.md'), /^### (`.*)$/gm).join(), /`(\w+)/g)
    expect(exported).toEqual(expect.arrayContaining(described))
  })
})
