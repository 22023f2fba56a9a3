import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { OpscopeError } from '../../src/index.js'
import { TraceFile, type TraceFileOptions } from '../../src/serving/trace-file.js'
import { until } from '../until.js'
import { filesOf, fragmentsIn, idsIn, isJson, range, trace, traces } from './trace-files.js'

let folder: string
let path: string
let open: TraceFile[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'opscope-trace-file-'))
  path = join(folder, 'trace.json')
  open = []
})
afterEach(() => {
  for (const file of open) file.closeSync()
  rmSync(folder, { recursive: true, force: true })
})
function traceFile(options: Partial<TraceFileOptions> = {}): TraceFile {
  const file = new TraceFile({ path, ...options })
  open.push(file)
  return file
}
const text = () => readFileSync(path, 'utf8')
function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    return error instanceof OpscopeError ? error.code : String(error)
  }
  return 'none'
}

describe('the form of a trace', () => {
  const stampNames = ['HTTP_RECV_START', 'REQUEST_START', 'decoded']
  const stampNs = [17125842648608115n, 17125844332704508n, 17125844332704509n]
  const tensor = { activity: 'TENSOR_QUEUE_INPUT', name: 'INPUT0', data: '1,2', shape: '1,2', dtype: 'INT32' }
  const root = trace(1, { requestId: 'a1', stampNames, stampNs, tensors: [tensor] })
  const child = trace(2, { parentId: 1, modelVersion: -1, requestId: '', stampNames, stampNs })

  it('is that of the fragments of Triton 2', async () => {
    const file = traceFile()
    file.add(root)
    file.add(child)
    await file.flush()
    const stamps =
      '"timestamps":[{"name":"HTTP_RECV_START","ns":17125842648608115},' +
      '{"name":"REQUEST_START","ns":17125844332704508},{"name":"decoded","ns":17125844332704509}]'
    expect(text()).toBe(
      `[{"id":1,${stamps}},` +
        '{"id":1,"model_name":"resnet50","model_version":3,"request_id":"a1"},' +
        '{"id":1,"activity":"TENSOR_QUEUE_INPUT","tensor":{"name":"INPUT0","data":"1,2","shape":"1,2","dtype":"INT32"}},' +
        '{"id":2,"model_name":"resnet50","model_version":-1,"parent_id":1},' +
        `{"id":2,${stamps}}]`,
    )
  })

  it('is that of the whole objects of TRTIS 1.9, when asked for', async () => {
    const file = traceFile({ form: 'v1' })
    file.add(root)
    file.add(child)
    await file.flush()
    const stamps =
      '"timestamps":[{"name":"http recv start","ns":17125842648608115},' +
      '{"name":"request handler start","ns":17125844332704508},{"name":"decoded","ns":17125844332704509}]'
    expect(text()).toBe(
      `[{${stamps},"model_name":"resnet50","model_version":3,"id":1},` +
        `{${stamps},"model_name":"resnet50","model_version":-1,"id":2,"parent_id":1}]`,
    )
  })

  it('has the words that TRTIS 1.9 has for stamps', async () => {
    const file = traceFile({ form: 'v1' })
    file.add(trace(1, { stampNames: ['GRPC_WAITREAD_END', 'COMPUTE_INPUT_END', 'REQUEST_END'] }))
    await file.flush()
    expect(fragmentsIn(path)[0]?.timestamps?.map(({ name }) => name)).toEqual([
      'grpc wait/read end',
      'compute input end',
      'request handler end',
    ])
  })

  it('reads back what was written, whatever is in the names and ids', async () => {
    // Triton wrote them as they were, and its files could not be read.
    const names = [
      'quote " backslash \\ slash /',
      'line\nreturn\rtab\t bell\u0007 null\0 delete\x7f',
      'é 漢 🎉 \u2028',
      ...range(118, 136).map(length => `${'x'.repeat(length)}🎉`),
      'x'.repeat(100_000),
    ]
    const file = traceFile()
    for (const [index, name] of names.entries()) {
      file.add(trace(index, { modelName: name, requestId: name, stampNames: [name], stampNs: [1n] }))
    }
    file.add(trace(99, { modelName: 'a\ud800b', requestId: '\udc00', stampNames: ['\ud83c\ud83c'], stampNs: [1n] }))
    await file.flush()
    const read = fragmentsIn(path)
    const models = read.filter(each => each.model_name !== undefined)
    expect(models.map(each => each.model_name)).toEqual([...names, 'a\ufffdb'])
    expect(models.map(each => each.request_id)).toEqual([...names, '\ufffd'])
    const stamps = read.flatMap(each => each.timestamps ?? [])
    expect(stamps.map(({ name }) => name)).toEqual([...names, '\ufffd\ufffd'])
    expect(isJson(path)).toBe(true)
  })

  it('has all of a trace with very many stamps', async () => {
    const stampNames = range(1, 30_000).map(number => `step ${number % 7}`)
    const file = traceFile()
    file.add(trace(1))
    file.add(trace(2, { stampNames, stampNs: stampNames.map((_, index) => BigInt(index)) }))
    file.add(trace(3))
    await file.flush()
    expect(fragmentsIn(path).map(each => each.timestamps?.length)).toEqual([
      12,
      undefined,
      30_000,
      undefined,
      12,
      undefined,
    ])
  })
})

describe('a trace file', () => {
  it('is valid JSON after every flush, and holds every trace once and in order', async () => {
    const file = traceFile()
    let id = 0
    for (let round = 0; round < 50; round++) {
      for (const count = (round * 37) % 600; id % 601 < count; id++) file.add(trace(id))
      file.add(trace(id++))
      await file.flush()
      expect(idsIn(path)).toEqual(range(0, id - 1))
    }
    expect(isJson(path)).toBe(true)
    expect(file.counts).toMatchObject({ added: id, written: id, dropped: 0, bytes: statSync(path).size, files: 1 })
  })

  it('is written without being asked, and says so when all is there', async () => {
    const file = traceFile({ flushMs: 1 })
    file.add(trace(1))
    await until('the trace', () => file.counts.written === 1)
    expect(idsIn(path)).toEqual([1])
  })

  it('is not there before its first trace', async () => {
    const file = traceFile()
    await file.flush()
    expect(readdirSync(folder)).toEqual([])
    await file.close()
    expect(readdirSync(folder)).toEqual([])
    expect(file.counts).toEqual({ added: 0, written: 0, dropped: 0, writeErrors: 0, bytes: 0, files: 0 })
  })

  it('takes the place of the one of an earlier run with its first trace', async () => {
    writeFileSync(path, '[{"id":7}]')
    const file = traceFile()
    await file.flush()
    expect(text()).toBe('[{"id":7}]')
    file.add(trace(1))
    await file.flush()
    expect(idsIn(path)).toEqual([1])
  })

  it('keeps its order over any number of names', async () => {
    const file = traceFile()
    for (const id of range(1, 25_000)) {
      file.add(trace(id, { modelName: `model ${id}`, stampNames: ['START', `custom ${id % 3000}`] }))
    }
    await file.close()
    const read = fragmentsIn(path)
    expect(read.filter((_, index) => index % 2 === 1).map(each => each.model_name)).toEqual(
      range(1, 25_000).map(id => `model ${id}`),
    )
    expect(read.filter((_, index) => index % 2 === 0).map(each => each.timestamps?.[1]?.name)).toEqual(
      range(1, 25_000).map(id => `custom ${id % 3000}`),
    )
  })

  it('takes no record of another kind, and counts it', async () => {
    const file = traceFile()
    file.add(trace(1))
    file.add(null as never)
    file.add({} as never)
    file.add(trace(2, { stampNs: [1 as never] }))
    file.add(trace(3, { tensors: [undefined as never] }))
    file.add(trace(4, { stampNs: [1n], modelName: 5 as never, modelVersion: Number.NaN }))
    file.add(trace(5))
    await file.close()
    file.add(trace(6))
    const read = fragmentsIn(path)
    expect(idsIn(path)).toEqual([1, 4, 5])
    expect(read.map(each => each.timestamps?.length)).toEqual([12, undefined, 1, undefined, 12, undefined])
    expect(file.counts).toMatchObject({ added: 8, written: 3, dropped: 5 })
  })

  it('may be closed twice, and both ways', async () => {
    const file = traceFile()
    file.add(trace(1))
    const closed = file.close()
    file.closeSync()
    await closed
    await file.close()
    expect(idsIn(path)).toEqual([1])
    expect(file.counts).toMatchObject({ added: 1, written: 1 })
  })
})

describe('what cannot be written', () => {
  it('is told before anything is traced', () => {
    const wrong: [Record<string, unknown>, string][] = [
      [{ path: join(folder, 'no/such/folder.json') }, 'ERR_OPSCOPE_FILE_WRITE'],
      [{ path: folder }, 'ERR_OPSCOPE_FILE_WRITE'],
      [{ path: '/dev/null', logFrequency: 5 }, 'ERR_OPSCOPE_FILE_WRITE'],
      [{ path: '' }, 'ERR_OPSCOPE_OPTION_VALUE'],
      [{ path: 5 }, 'ERR_OPSCOPE_OPTION_VALUE'],
      [{ form: 'v3' }, 'ERR_OPSCOPE_OPTION_VALUE'],
      [{ logFrequency: 1.5 }, 'ERR_OPSCOPE_OPTION_VALUE'],
      [{ logFrequency: '5' }, 'ERR_OPSCOPE_OPTION_VALUE'],
      [{ maxFileMB: 0 }, 'ERR_OPSCOPE_OPTION_VALUE'],
      [{ maxPendingMB: -1 }, 'ERR_OPSCOPE_OPTION_VALUE'],
      [{ flushMs: 0 }, 'ERR_OPSCOPE_OPTION_VALUE'],
      [{ logfrequency: 5 }, 'ERR_OPSCOPE_OPTION_UNKNOWN'],
    ]
    expect(wrong.map(([options]) => codeOf(() => traceFile(options)))).toEqual(wrong.map(([, code]) => code))
    expect(readdirSync(folder)).toEqual([])
  })

  it('stays pending while its folder is gone, and is told', async () => {
    path = join(folder, 'inner/trace.json')
    mkdirSync(join(folder, 'inner'))
    const warnings: unknown[] = []
    const file = traceFile({ onWarning: (...warning) => warnings.push(warning) })
    rmSync(join(folder, 'inner'), { recursive: true })
    file.add(trace(1))
    await expect(file.flush()).rejects.toMatchObject({
      code: 'ERR_OPSCOPE_FILE_WRITE',
      message: `Cannot write ${path}: No such file or directory`,
    })
    expect(warnings[0]).toEqual([
      'trace-file-write',
      `Cannot write ${path}: No such file or directory`,
      expect.any(Number),
    ])
    mkdirSync(join(folder, 'inner'))
    file.add(trace(2))
    await file.flush()
    expect(idsIn(path)).toEqual([1, 2])
    expect(file.counts).toMatchObject({ added: 2, written: 2, dropped: 0 })
  })

  it('is dropped beyond a limit, and all that is dropped is told', async () => {
    path = join(folder, 'inner/trace.json')
    mkdirSync(join(folder, 'inner'))
    let dropped = 0
    const onWarning = (code: string, _: string, count: number) => {
      if (code === 'trace-file-dropped') dropped += count
    }
    const file = traceFile({ maxPendingMB: 1, onWarning })
    rmSync(join(folder, 'inner'), { recursive: true })
    for (const each of traces(20_000)) file.add(each)
    const early = file.counts
    // A trace takes 29 words and some bytes for its request id.
    expect(early.added - early.dropped).toBeGreaterThan(3000)
    expect(early.added - early.dropped).toBeLessThan(8000)
    // Of these the batch with the name was dropped: it is to be told again.
    for (const id of range(20_001, 21_000)) file.add(trace(id, { modelName: 'late' }))
    mkdirSync(join(folder, 'inner'))
    await file.flush()
    for (const id of range(21_001, 21_005)) file.add(trace(id, { modelName: id % 2 === 0 ? 'late' : 'resnet50' }))
    await file.close()
    const { added, written, dropped: lost } = file.counts
    expect([written + lost, dropped]).toEqual([added, lost])
    expect(idsIn(path)).toHaveLength(written)
    const models = fragmentsIn(path).filter(each => each.model_name !== undefined)
    expect(models.slice(-5).map(({ id, model_name }) => [id, model_name])).toEqual([
      [21_001, 'resnet50'],
      [21_002, 'late'],
      [21_003, 'resnet50'],
      [21_004, 'late'],
      [21_005, 'resnet50'],
    ])
  })

  it('is told without being asked', async () => {
    path = join(folder, 'inner/trace.json')
    mkdirSync(join(folder, 'inner'))
    const warnings: unknown[] = []
    const file = traceFile({ flushMs: 1, onWarning: code => warnings.push(code) })
    rmSync(join(folder, 'inner'), { recursive: true })
    file.add(trace(1))
    await until('a warning', () => warnings.length > 0)
    expect(warnings).toEqual(['trace-file-write'])
  })

  it('is counted as dropped at the end, and all of it is told', async () => {
    path = join(folder, 'inner/trace.json')
    mkdirSync(join(folder, 'inner'))
    const told: Record<string, number> = {}
    const onWarning = (code: string, _: string, count: number) => {
      told[code] = (told[code] ?? 0) + count
    }
    const file = traceFile({ onWarning })
    rmSync(join(folder, 'inner'), { recursive: true })
    for (const each of traces(1000)) file.add(each)
    await expect(file.flush()).rejects.toThrow('No such file')
    await file.close()
    expect(file.counts).toMatchObject({ added: 1000, written: 0, dropped: 1000 })
    expect(told).toEqual({ 'trace-file-write': file.counts.writeErrors, 'trace-file-dropped': 1000 })
  })
})

describe('several files', () => {
  it('have so many traces each, and appear when they are complete', async () => {
    const file = traceFile({ logFrequency: 3 })
    for (const each of traces(7)) file.add(each)
    await file.flush()
    expect(filesOf(path)).toEqual([0, 1, 'partial'].map(each => `${path}.${each}`))
    expect(filesOf(path).map(idsIn)).toEqual([[1, 2, 3], [4, 5, 6], [7]])
    for (const each of traces(1000, 8)) file.add(each)
    await file.close()
    expect(filesOf(path)).toEqual(range(0, 335).map(each => `${path}.${each}`))
    expect(filesOf(path).map(idsIn)).toEqual(
      range(0, 335).map(each => range(3 * each + 1, Math.min(3 * each + 3, 1007))),
    )
    expect(file.counts).toMatchObject({ written: 1007, files: 336 })
  })

  it('go on past the numbers that are taken, and keep what a process left that was killed', async () => {
    writeFileSync(`${path}.0`, 'older')
    writeFileSync(`${path}.2`, 'older')
    writeFileSync(`${path}.partial`, '[{"id":9,"model_name":"m"}]')
    const file = traceFile({ logFrequency: 2 })
    for (const each of traces(4)) file.add(each)
    await file.close()
    expect(filesOf(path)).toEqual(range(0, 4).map(each => `${path}.${each}`))
    expect([1, 3, 4].map(each => idsIn(`${path}.${each}`))).toEqual([[9], [1, 2], [3, 4]])
  })

  it('say of what was torn that it is', async () => {
    writeFileSync(`${path}.partial`, '[{"id":9,"model_na')
    const file = traceFile({ logFrequency: 1 })
    file.add(trace(1))
    await file.close()
    expect(readdirSync(folder).sort()).toEqual(['trace.json.0.torn', 'trace.json.1'])
  })

  it('stay below a size, lose nothing and double nothing', async () => {
    const file = traceFile({ maxFileMB: 0.1 })
    for (let id = 1; id <= 5000; id += 100) {
      for (const each of traces(100, id)) file.add(each)
      if (id % 300 === 1) await file.flush()
    }
    await file.close()
    const files = filesOf(path)
    expect(files.length).toBeGreaterThan(30)
    expect(files.at(-1)).toBe(path)
    expect(files.flatMap(idsIn)).toEqual(range(1, 5000))
    expect(Math.max(...files.map(each => statSync(each).size))).toBeLessThanOrEqual(0.1 * 2 ** 20)
    expect(file.counts).toMatchObject({ written: 5000, files: files.length })
    expect(file.counts.bytes).toBe(files.reduce((sum, each) => sum + statSync(each).size, 0))
  })

  it('hold a trace that is larger than they may be', async () => {
    const file = traceFile({ maxFileMB: 0.01 })
    for (const id of range(1, 3)) file.add(trace(id, { requestId: 'x'.repeat(50_000) }))
    await file.close()
    expect(filesOf(path).map(idsIn)).toEqual([[1], [2], [3]])
  })
})

describe('a path that others use', () => {
  it('is left to the first, and the second says where its traces are', async () => {
    const warnings: unknown[] = []
    const [first, second, third] = [
      traceFile(),
      traceFile({ onWarning: (...each) => warnings.push(each) }),
      traceFile(),
    ]
    for (const file of [first, second, third]) {
      file?.add(trace(open.indexOf(file)))
      await file?.flush()
    }
    first?.add(trace(10))
    second?.add(trace(11))
    await Promise.all(open.map(file => file.close()))
    const others = [`${path}.p${process.pid}`, `${path}.p${process.pid}-2`]
    expect([path, ...others].map(idsIn)).toEqual([[0, 10], [1, 11], [2]])
    expect(warnings).toEqual([
      ['trace-file-shared', `Somebody else writes to ${path}: these traces are in ${others[0]}`, 1],
    ])
  })

  it('is free again when the first is closed, whose file gets a number', async () => {
    // A file of so many traces, another number, and back: the settings of a tracer may change like that.
    for (const logFrequency of [0, 2, 0]) {
      const file = traceFile({ logFrequency })
      for (const each of traces(3, 10 * open.length)) file.add(each)
      await file.close()
    }
    expect(filesOf(path)).toEqual([`${path}.0`, `${path}.1`, `${path}.2`, path])
    expect(filesOf(path).map(idsIn)).toEqual([[20, 21], [22], [10, 11, 12], [30, 31, 32]])
  })

  it.each([
    ['renamed', () => renameSync(path, `${path}.old`)],
    ['removed', () => rmSync(path)],
    [
      'replaced',
      () => {
        rmSync(path)
        writeFileSync(path, '[{"id":99}]')
      },
    ],
    ['emptied', () => truncateSync(path)],
  ])('gets a new file when the old one was %s', async (_, change) => {
    const file = traceFile()
    for (const each of traces(100)) file.add(each)
    await file.flush()
    change()
    file.add(trace(101))
    await file.flush()
    expect(idsIn(path)).toEqual([101])
    if (existsSync(`${path}.old`)) expect(idsIn(`${path}.old`)).toEqual(range(1, 100))
    if (existsSync(`${path}.0`)) expect(readFileSync(`${path}.0`, 'utf8')).toBe('[{"id":99}]')
    file.add(trace(102))
    await file.close()
    expect(idsIn(path)).toEqual([101, 102])
  })
})

describe('a pipe', () => {
  it('gets one array, which is closed at the end', async () => {
    const fifo = join(folder, 'pipe')
    const made = spawn('mkfifo', [fifo])
    await new Promise(resolve => made.once('close', resolve))
    const reader = spawn('cat', [fifo], { stdio: ['ignore', 'pipe', 'inherit'] })
    const closed = new Promise(resolve => reader.once('close', resolve))
    let read = ''
    reader.stdout.on('data', data => (read += data))
    const file = traceFile({ path: fifo, flushMs: 1 })
    for (let id = 1; id <= 1000; id += 100) {
      for (const each of traces(100, id)) file.add(each)
      await until('the reader', () => file.counts.written === file.counts.added)
    }
    await file.close()
    await closed
    writeFileSync(path, read)
    expect(idsIn(path)).toEqual(range(1, 1000))
    expect(read).toHaveLength(file.counts.bytes)
  })

  it('without a reader keeps nobody waiting', async () => {
    const fifo = join(folder, 'pipe')
    const made = spawn('mkfifo', [fifo])
    await new Promise(resolve => made.once('close', resolve))
    const file = traceFile({ path: fifo })
    file.add(trace(1))
    await expect(file.flush()).rejects.toMatchObject({ message: `Cannot write ${fifo}: nobody reads it` })
    await file.close()
    expect(file.counts).toMatchObject({ written: 0, dropped: 1 })
  })
})
