import { describe, expect, it } from 'vitest'

import { Project, pathsOf, REQUIRE } from './project.js'

const OP = (name: string) => `
  const { op } = require('opscope')
  const work = op(${JSON.stringify(name)}); work.begin(); work.end()
`
const PARENT = `
  ${OP('parent')}
  const { fork, spawn } = require('node:child_process')
  const { mkdirSync } = require('node:fs')
  mkdirSync('elsewhere')
  fork('./child.cjs').on('exit', code => {
    console.log('fork', code)
    spawn(process.execPath, ['../child.cjs'], { cwd: 'elsewhere', stdio: 'inherit' }).on('exit', code => console.log('spawn', code))
  })
`
const CHILD = `${OP('child')} console.log('child'); process.exit(5)`

describe('processes below a profiled one', () => {
  it('get a file each, beside that of the first, wherever they run', async () => {
    const project = new Project({ 'parent.cjs': PARENT, 'child.cjs': CHILD })
    const env = { NODE_OPTIONS: REQUIRE.join(' '), OPSCOPE_PROFILE_PATH: 'tree.json.gz' }
    const { code, stdout, stderr } = await project.run(['parent.cjs'], env)
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'child\nfork 5\nchild\nspawn 5\n' })
    expect(stderr.match(/^opscope: profile in /gm)).toHaveLength(3)
    expect(pathsOf(await project.capture('tree.json.gz'))).toEqual(['parent'])
    const files = project.filesLike(/^tree\.\d+\.json\.gz$/)
    expect(files).toHaveLength(2)
    for (const file of files) expect(pathsOf(await project.capture(file))).toEqual(['child'])
  })

  it('are told apart by the template when it names the process', async () => {
    const project = new Project({ 'parent.cjs': PARENT, 'child.cjs': CHILD })
    const env = { NODE_OPTIONS: REQUIRE.join(' '), OPSCOPE_PROFILE_PATH: 'tree-%p.pftrace' }
    await project.run(['parent.cjs'], env)
    expect(project.filesLike(/^tree-\d+\.pftrace$/)).toHaveLength(3)
    expect(project.filesLike(/pftrace/)).toHaveLength(3)
  })
})

describe('worker threads of a profiled process', () => {
  const WORKER = `
    const { Worker } = require('node:worker_threads')
    const { once } = require('node:events')
    const kinds = { file: {}, eval: { eval: true }, execArgv: { execArgv: [] }, env: { env: {} }, nested: {} }
    async function main() {
      for (const [name, options] of Object.entries(kinds)) {
        const source = "const { op } = require('opscope'); const work = op('" + name + "'); work.begin(); work.end()"
        const worker = options.eval ? new Worker(source, options) : new Worker('./worker.cjs', { ...options, workerData: name })
        await once(worker, 'exit')
      }
      const busy = new Worker('./worker.cjs', { workerData: 'busy' })
      await once(busy, 'message')
      console.log('done')
      process.exit(6)
    }
    main()
  `
  const BODY = `
    const { parentPort, workerData, Worker } = require('node:worker_threads')
    const { op } = require('opscope')
    const work = op(workerData); work.begin(); work.end()
    if (workerData === 'nested') new Worker('./worker.cjs', { workerData: 'innermost' })
    if (workerData === 'busy') { parentPort.postMessage('ready'); setInterval(() => {}, 1000) }
  `
  it('are in its file, and make none', async () => {
    const project = new Project({ 'workers.cjs': WORKER, 'worker.cjs': BODY })
    const outcome = await project.run([...REQUIRE, 'workers.cjs'], {
      NODE_OPTIONS: REQUIRE.join(' '),
      OPSCOPE_PROFILE_PATH: 'workers.pftrace',
    })
    expect(outcome).toMatchObject({ code: 6, stdout: 'done\n' })
    expect(outcome.stderr).toMatch(/^opscope: profile in .*workers\.pftrace\n$/)
    const names = ['busy', 'env', 'eval', 'execArgv', 'file', 'innermost', 'nested']
    expect(pathsOf(await project.capture('workers.pftrace'))).toEqual(names)
    expect(project.filesLike(/pftrace/)).toHaveLength(1)
  })
})
