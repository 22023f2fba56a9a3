import { describe, expect, it } from 'vitest'

import { CLI, IMPORT, Project, pathsOf, REQUIRE } from './project.js'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'
const HEADER = `00-${TRACE}-${PARENT}-01`
const WORK = `
  const { op, record } = require('opscope')
  const work = op('work'); work.begin(); work.end()
  record('job', () => {})
`
const PATH = { OPSCOPE_PROFILE_PATH: 'out.pftrace' }

describe('what the environment tells of a process', () => {
  it('is kept with the capture: a later variable wins, values are percent-encoded', async () => {
    const project = new Project({ 'app.cjs': WORK })
    const { stderr } = await project.run([...REQUIRE, 'app.cjs'], {
      ...PATH,
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=first, deployment.environment=test,note=a%2Cb%3Dc%20%C3%BC,host=x=y',
      OTEL_SERVICE_NAME: 'second',
      OPSCOPE_RESOURCE: 'deployment.environment=prod,team=ml',
      OPSCOPE_ATTRIBUTES: 'team=serving',
    })
    expect(stderr).toMatch(/^opscope: profile in .*out\.pftrace\n$/)
    expect((await project.capture('out.pftrace')).attributes).toEqual({
      'service.name': 'second',
      'deployment.environment': 'prod',
      note: 'a,b=c ü',
      host: 'x=y',
      team: 'serving',
    })
  })

  it.each([
    ['OPSCOPE_RESOURCE', 'a'],
    ['OTEL_RESOURCE_ATTRIBUTES', 'a=%zz'],
    ['OPSCOPE_RESOURCE', '=b'],
    ['OPSCOPE_TRACEPARENT', 'ff-1'],
  ])('turns profiling off with one line where %s is %j', async (name, value) => {
    const project = new Project({ 'app.cjs': `${WORK}; console.log('ran')` })
    const { code, stdout, stderr } = await project.run([...REQUIRE, 'app.cjs'], { ...PATH, [name]: value })
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'ran\n' })
    expect(stderr).toMatch(new RegExp(`^opscope: profiling is off: ${name}: .*\\n$`))
    expect(project.filesLike(/pftrace/)).toEqual([])
  })

  it.each([
    [{ OPSCOPE_TRACEPARENT: HEADER, TRACEPARENT: `00-${'1'.repeat(32)}-${PARENT}-01` }],
    [{ TRACEPARENT: HEADER }],
  ])('has the parent of all that has none: %o', async env => {
    const project = new Project({
      'app.cjs': `${WORK}
        const { inject } = require('opscope')
        console.log(inject().traceparent)
        new (require('node:worker_threads').Worker)('./worker.cjs')`,
      'worker.cjs': `require('opscope').record('in worker', () => {}); console.log(require('opscope').inject().traceparent)`,
    })
    const { stdout } = await project.run([...REQUIRE, 'app.cjs'], { ...PATH, ...env })
    expect(stdout).toBe(`${HEADER}\n${HEADER}\n`)
    const rows = (await project.capture('out.pftrace')).rows().toArray()
    const own = rows.filter(({ cat }) => cat !== 'gc')
    expect(own.map(({ name }) => name)).toEqual(['work', 'job', 'in worker'])
    for (const row of own) expect(row).toMatchObject({ trace_id: TRACE, parent_span_id: PARENT })
  })

  it('ignores a TRACEPARENT that is none', async () => {
    const project = new Project({ 'app.cjs': WORK })
    await project.run([...REQUIRE, 'app.cjs'], { ...PATH, TRACEPARENT: 'nonsense' })
    const [row] = (await project.capture('out.pftrace')).rows().toArray()
    expect(row).toMatchObject({ name: 'work', parent_span_id: '0'.repeat(16) })
  })
})

describe('packages that know nothing of opscope', () => {
  it('are recorded when they publish to opscope:span', async () => {
    const project = new Project({
      'app.cjs': `
        const { tracingChannel } = require('node:diagnostics_channel')
        const { record, recordSync } = require('opscope')
        const channel = tracingChannel('opscope:span')
        const tick = () => new Promise(resolve => setImmediate(resolve))
        record('outer', () => channel.traceSync(() => recordSync('inside sync', () => {}), { name: 'sync', category: 'inference', attributes: { size: 3 } }))
        try { channel.traceSync(() => { throw new Error('x') }, { name: 'throws' }) } catch {}
        channel.traceSync(() => {}, {})
        channel.traceSync(() => {}, { name: 'odd', category: 'odd', get attributes() { throw new Error('getter') } })
        channel.traceCallback((done) => setImmediate(done, null, 1), 0, { name: 'callback' }, null, () => {})
        channel.tracePromise(async () => { await tick(); recordSync('inside async', () => {}) }, { name: 'async' })
          .then(() => channel.tracePromise(() => Promise.reject(new Error('y')), { name: 'rejects' }))
          .catch(() => {})
          .then(() => console.log('done'))`,
    })
    const { code, stdout, stderr } = await project.run([...REQUIRE, 'app.cjs'], PATH)
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'done\n' })
    expect(stderr).toMatch(/^opscope: profile in .*\n$/)
    const capture = await project.capture('out.pftrace')
    const { spans } = capture
    const told = Array.from(spans.name, (name, row) => {
      const { text } = spans.names[name]!
      const parent = spans.parent[row]!
      const flags = spans.flags[row]!
      const path = parent < 0 ? text : `${spans.names[spans.name[parent]!]!.text} > ${text}`
      return `${path}${flags & 1 ? '*' : ''}${flags & 2 ? '!' : ''}${flags & 4 ? '?' : ''}`
    }).filter(text => !text.startsWith('gc'))
    expect(told.sort()).toEqual(
      [
        'async*',
        'async > inside async',
        'callback*',
        'opscope:span',
        'outer',
        'outer > sync',
        'rejects*?',
        'sync > inside sync',
        'throws?',
      ].sort(),
    )
    const [sync] = capture.filter('name', 'sync').toArray()
    expect(sync).toMatchObject({ cat: 'inference', attrs: '{"size":3}' })
  })

  it('are recorded when they make marks and measures, in workers too', async () => {
    const project = new Project({
      'app.cjs': `
        const { performance } = require('node:perf_hooks')
        const { isMainThread, Worker } = require('node:worker_threads')
        const where = isMainThread ? 'main' : 'worker'
        performance.mark(where + ' start')
        const end = performance.now() + 5
        while (performance.now() < end) {}
        performance.mark(where + ' end')
        performance.measure(where + ' work', where + ' start', where + ' end')
        if (isMainThread) new Worker(__filename)`,
    })
    await project.run([...REQUIRE, 'app.cjs'], PATH)
    const capture = await project.capture('out.pftrace')
    const marks = new Map(capture.marks().map(mark => [mark.name, mark.atNs]))
    for (const where of ['main', 'worker']) {
      const [measure] = capture.filter('name', `${where} work`).toArray()
      const between = marks.get(`${where} end`)! - marks.get(`${where} start`)!
      expect(between / 1e6).toBeGreaterThan(4.9)
      // Times of performance.now() are floats of ms: rounded to ns they may differ by a few.
      expect(Math.abs(Number(measure!.dur) - between)).toBeLessThan(1000)
      expect(Math.abs(Number(measure!.start) - marks.get(`${where} start`)!)).toBeLessThan(1000)
    }
  })
})

describe('worker threads', () => {
  const PROBE = "console.log(String(globalThis[Symbol.for('opscope.register')]))"
  const files = {
    'app.mjs': `
      import { fork } from 'node:child_process'
      import { once } from 'node:events'
      import { Worker } from 'node:worker_threads'
      const kinds = {
        file: ['./probe.cjs', {}],
        eval: [${JSON.stringify(PROBE)}, { eval: true }],
        execArgv: ['./probe.cjs', { execArgv: [] }],
        env: ['./probe.cjs', { env: {} }],
        'eval env': [${JSON.stringify(PROBE)}, { eval: true, env: {}, execArgv: [] }],
      }
      const answers = {}
      for (const [kind, [file, options]] of Object.entries(kinds)) {
        const worker = new Worker(file, { ...options, stdout: true })
        let text = ''
        worker.stdout.on('data', data => (text += data))
        await once(worker, 'exit')
        answers[kind] = text.trim()
      }
      const child = fork('./probe.cjs', { silent: true })
      let text = ''
      child.stdout.on('data', data => (text += data))
      await once(child, 'close')
      answers.fork = text.trim()
      console.log(JSON.stringify(answers))`,
    'probe.cjs': PROBE,
    'grab.cjs': "globalThis.OldWorker = require('node:worker_threads').Worker",
    'grabbed.cjs': `
      const { once } = require('node:events')
      Promise.all([1, 2].map(() => once(new OldWorker('1', { eval: true }), 'exit'))).then(() => console.log('done'))`,
  }
  const all = { file: 'true', eval: 'true', execArgv: 'true', env: 'true', 'eval env': 'true', fork: 'true' }

  it.each([
    ['--import', IMPORT, {}],
    ['--require', REQUIRE, {}],
    ['--import in NODE_OPTIONS', [], { NODE_OPTIONS: IMPORT.join(' ') }],
    ['--require in NODE_OPTIONS', [], { NODE_OPTIONS: REQUIRE.join(' ') }],
    ['opscope run', [CLI, 'run'], {}],
    ['--import beside flags that no worker takes', ['--expose-gc', '--max-old-space-size=500', ...IMPORT], {}],
  ] as const)('have register in all kinds, loaded by %s', async (_form, args, env) => {
    const project = new Project(files)
    const outcome = await project.run([...args, 'app.mjs'], { ...PATH, ...env })
    expect(outcome.code).toBe(0)
    expect(JSON.parse(outcome.stdout)).toEqual(all)
    expect((await project.capture('out.pftrace')).warnings).toEqual([])
  })

  it('are counted where register could not reach them', async () => {
    const project = new Project(files)
    await project.run(['--require', './grab.cjs', ...IMPORT, 'grabbed.cjs'], PATH)
    const { warnings } = await project.capture('out.pftrace')
    expect(warnings).toMatchObject([{ code: 'uncovered-threads', count: 2 }])
  })
})

describe('a program with its own options for workers', () => {
  it('gets the error that it would get, and its workers theirs', async () => {
    const project = new Project({
      'app.cjs': `
        const { Worker, isMainThread } = require('node:worker_threads')
        if (isMainThread) {
          for (const options of [{ execArgv: ['--no-such-flag'] }, { execArgv: 'text' }])
            try { new Worker(__filename, options) } catch (error) { console.log(error.code) }
          try { Worker('x') } catch (error) { console.log(error.constructor.name) }
          class Own extends Worker {}
          const own = new Own(__filename, { execArgv: ['--no-warnings'] })
          console.log(own instanceof Own, own instanceof Worker, Worker.name)
        } else process.emitWarning('silenced')`,
    })
    const { stdout, stderr } = await project.run([...IMPORT, 'app.cjs'], PATH)
    expect(stdout).toBe('ERR_WORKER_INVALID_EXEC_ARGV\nERR_INVALID_ARG_TYPE\nTypeError\ntrue true Worker\n')
    expect(stderr).toMatch(/^opscope: profile in .*\n$/)
    expect(pathsOf(await project.capture('out.pftrace'))).toEqual([])
  })
})
