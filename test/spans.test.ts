import { AsyncLocalStorage } from 'node:async_hooks'
import { Readable } from 'node:stream'

import {
  type Context,
  type ContextManager,
  context as otelContext,
  trace as otelTrace,
  ROOT_CONTEXT,
} from '@opentelemetry/api'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
import { afterEach, describe, expect, it, vi } from 'vitest'

import {
  type Capture,
  extract,
  inject,
  op,
  profile,
  type Row,
  record,
  recordIterator,
  recordSync,
  type Span,
  span,
  wrap,
} from '../src/index.js'
import { runChild } from './life-cycle/child.js'

const CPU = { state: 'CPU', categories: ['-gc'] } as const
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'
const HEADER = `00-${TRACE}-${PARENT}-01`
const ZEROS = '0'.repeat(16)
const tick = () => new Promise<void>(resolve => setImmediate(resolve))
/** The one row of this name. */
function rowOf(capture: Capture, name: string): Row {
  const rows = capture.filter('name', name).toArray()
  expect(rows, name).toHaveLength(1)
  return rows[0]!
}
/** Name of the row that a row is inside of; undefined: of none in the recording. */
function parentOf(capture: Capture, name: string): unknown {
  const { parent_span_id } = rowOf(capture, name)
  return capture.filter('span_id', parent_span_id!).toArray()[0]?.name
}

describe('a span', () => {
  it('has the ids that the table has, whenever they are asked for', async () => {
    const seen: [Span, string][] = []
    const capture = await profile(CPU, async () => {
      await record('outer', async outer => {
        await tick()
        record('asked inside', inner => {
          expect(inner.traceId).toBe(outer.traceId)
          seen.push([inner, 'asked inside'])
        })
        seen.push([span('by hand'), 'by hand'])
        seen.push([outer, 'outer'])
      })
      record('another', another => seen.push([another, 'another']))
    })
    for (const [each, name] of seen) {
      const { span_id, trace_id } = rowOf(capture, name)
      expect([span_id, name]).toEqual([each.spanId, name])
      if (name !== 'another') expect([trace_id, name]).toEqual([each.traceId, name])
    }
    expect(new Set(seen.map(([each]) => each.traceId)).size).toBe(2)
    expect(new Set(seen.map(([each]) => each.spanId)).size).toBe(seen.length)
    for (const [each] of seen) expect(`${each.traceId}-${each.spanId}`).toMatch(/^[\da-f]{32}-[\da-f]{16}$/)
  })

  it('hands its trace on to what is inside, but not to what is beside', async () => {
    const ids: string[] = []
    const capture = await profile(CPU, () => {
      record('first', first => {
        ids.push(first.traceId)
        recordSync('inside the first', () => {})
      })
      record('second', second => {
        ids.push(second.traceId)
      })
    })
    expect(rowOf(capture, 'inside the first').trace_id).toBe(ids[0])
    expect(rowOf(capture, 'second').trace_id).toBe(ids[1])
    expect(ids[0]).not.toBe(ids[1])
  })

  it('is in the trace of the synchronous record around it, and of none after', async () => {
    let outer: Span | undefined
    await profile(CPU, () => {
      record('outer', each => {
        outer = each
        record('between', () => record('inner', inner => expect(inner.traceId).toBe(each.traceId)))
        expect(() =>
          record('throws', () => {
            throw new Error('x')
          }),
        ).toThrow('x')
        record('root', { root: true }, root => {
          record('in the root', inner => expect(inner.traceId).toBe(root.traceId))
          expect(root.traceId).not.toBe(each.traceId)
        })
        record('after the error', after => expect(after.traceId).toBe(each.traceId))
      })
      record('beside', beside => expect(beside.traceId).not.toBe(outer?.traceId))
    })
    expect(outer?.traceId).toMatch(/[1-9a-f]/)
  })

  it('has its trace also in a recording that its root is not in', async () => {
    let inner: Capture | undefined
    let asked: Span | undefined
    await profile(CPU, () =>
      record('root', async () => {
        inner = await profile(CPU, () =>
          record('asked', each => {
            asked = each
            expect(each.traceId).toMatch(/[1-9a-f]/)
          }),
        )
      }),
    )
    expect(rowOf(inner!, 'asked').trace_id).toBe(asked?.traceId)
  })

  it('has random trace ids, other ones in other threads and processes', async () => {
    const program = `
      import { isMainThread, Worker, parentPort } from 'node:worker_threads'
      import { profile, record } from 'opscope'
      import { fileURLToPath } from 'node:url'
      const ids = []
      await profile({ state: 'CPU' }, () => { for (let i = 0; i < 50; i++) record('span', span => ids.push(span.traceId)) })
      if (!isMainThread) parentPort.postMessage(ids)
      else new Worker(fileURLToPath(import.meta.url)).on('message', others => console.log(JSON.stringify([...ids, ...others])))
    `
    const outcomes = await Promise.all([runChild(program), runChild(program)])
    const ids = outcomes.flatMap(({ stdout }) => JSON.parse(stdout) as string[])
    expect(new Set(ids).size).toBe(200)
    // Random means: each of the 128 bits is set in some and not in others; by chance one fails in 2^191 runs.
    const bits = ids.map(id => BigInt(`0x${id}`))
    const or = bits.reduce((a, b) => a | b)
    const and = bits.reduce((a, b) => a & b)
    expect([or, and]).toEqual([2n ** 128n - 1n, 0n])
  })

  it('is a link as it is, also when it is over', async () => {
    const capture = await profile(CPU, () => {
      const requests = ['a', 'b'].map(name => record(name, each => each))
      record('batch', { links: requests }, () => {})
    })
    const row = Array.from(capture.spans.name).findIndex(name => capture.spans.names[name]!.text === 'batch')
    const linked = capture.linksOf(row)
    expect(linked.map(({ spanId }) => spanId)).toEqual([rowOf(capture, 'a').span_id, rowOf(capture, 'b').span_id])
    expect(linked.map(({ traceId }) => traceId)).toEqual([rowOf(capture, 'a').trace_id, rowOf(capture, 'b').trace_id])
  })

  it('that is not recorded has ids of zeros, and is no link', async () => {
    const off = record('off', each => each)
    expect([off.traceId, off.spanId, off.isRecording]).toEqual(['0'.repeat(32), ZEROS, false])
    const capture = await profile(CPU, () => record('on', { links: [off] }, () => {}))
    expect(capture.linksOf(0)).toEqual([])
    expect(capture.warnings).toEqual([])
  })

  it('is closed when its body is over, or when it was ended inside', async () => {
    let held: Span | undefined
    const capture = await profile(CPU, async () => {
      record('sync', each => {
        held = each
      })
      expect(held?.isRecording).toBe(false)
      held?.setAttribute('late', 1)
      await record('ended early', async each => {
        each.end()
        await tick()
      })
    })
    expect(capture.attributesOf(0)).toEqual({})
    expect(capture.warnings).toEqual([])
    expect(rowOf(capture, 'ended early').status).toBe('ok')
  })

  it('has events, in its row wherever they come from', async () => {
    const capture = await profile(CPU, async () => {
      const outer = span('outer')
      recordSync('inner', () => outer.event('in the middle'))
      await tick()
      outer.event('at the end')
      outer.end()
      outer.event('too late')
    })
    const { spans } = capture
    const marks = capture.marks()
    expect(marks.map(({ name }) => name)).toEqual(['in the middle', 'at the end'])
    const owners = marks.map(({ span: row }) => spans.names[spans.name[row]!]!.text)
    expect(owners).toEqual(['outer', 'outer'])
  })
})

describe('root and newTrace', () => {
  it('take a span out of the tree, or only out of the trace', async () => {
    const capture = await profile(CPU, async () => {
      await record('request', async request => {
        record('root', { root: true }, inner => {
          record('in the root', () => {})
          expect(inner.traceId).not.toBe(request.traceId)
        })
        record('new trace', { newTrace: true }, () => record('in the new trace', () => {}))
        span('root by hand', { root: true }).end()
        await tick()
        await record('late root', { root: true }, tick)
        recordSync('child', () => {})
      })
    })
    const trace = (name: string) => rowOf(capture, name).trace_id
    expect(['root', 'root by hand', 'late root'].map(name => rowOf(capture, name).parent_span_id)).toEqual([
      ZEROS,
      ZEROS,
      ZEROS,
    ])
    expect(parentOf(capture, 'in the root')).toBe('root')
    expect(parentOf(capture, 'new trace')).toBe('request')
    expect(parentOf(capture, 'child')).toBe('request')
    expect(trace('in the root')).toBe(trace('root'))
    expect(trace('in the new trace')).toBe(trace('new trace'))
    expect(trace('child')).toBe(trace('request'))
    const roots = ['request', 'root', 'new trace', 'root by hand', 'late root']
    expect(new Set(roots.map(trace)).size).toBe(roots.length)
    // On a lane of its own: the time of a root that lies on the stack counts nowhere twice.
    expect(capture.ops().map(row => row.path.join('/'))).not.toContain('root')
    expect(capture.asyncOps().map(row => row.path.join('/'))).toEqual(
      expect.arrayContaining(['request', 'root', 'root by hand', 'late root']),
    )
  })

  it('give an operator its number', async () => {
    const capture = await profile(CPU, () =>
      record('infer', { category: 'inference' }, () => record('conv', { operatorIndex: 3 }, () => {})),
    )
    expect(capture.cpuOperators().toArray()).toMatchObject([{ name: 'conv', operator_index: 3 }])
  })
})

describe('a promise that never settles', () => {
  it('leaves an unfinished row, in no figure', async () => {
    const capture = await profile(CPU, () => {
      void record('never', () => new Promise(() => {}))
    })
    expect(rowOf(capture, 'never')).toMatchObject({ status: 'unfinished', end: null, dur: null })
    expect(capture.asyncOps().map(({ calls, unfinished }) => ({ calls, unfinished }))).toEqual([
      { calls: 0, unfinished: 1 },
    ])
  })
})

describe('inject and extract', () => {
  it('make a span the child of one elsewhere, whatever is around it', async () => {
    const capture = await profile(CPU, async () => {
      await extract({ traceparent: HEADER }, () =>
        record('alone', async () => {
          await tick()
          record('inside', () => {})
        }),
      )
      record('around', () => {
        extract({ traceparent: HEADER }, () => record('within a span', () => record('deeper', () => {})))
        extract({ traceparent: HEADER }, () => span('by hand').end())
        record('after', () => {})
      })
      extract({ traceparent: HEADER }, () => recordSync('sync', () => record('in an op', () => {})))
    })
    for (const name of ['alone', 'within a span', 'by hand'])
      expect(rowOf(capture, name), name).toMatchObject({ trace_id: TRACE, parent_span_id: PARENT })
    for (const [name, parent] of [
      ['inside', 'alone'],
      ['deeper', 'within a span'],
      ['in an op', 'sync'],
    ] as const) {
      expect([name, parentOf(capture, name)]).toEqual([name, parent])
      expect([name, rowOf(capture, name).trace_id]).toEqual([name, TRACE])
    }
    expect(parentOf(capture, 'after')).toBe('around')
    expect(rowOf(capture, 'around').trace_id).not.toBe(TRACE)
  })

  it('hand on what is current: the span, with the flags and the state that came', async () => {
    const seen: unknown[] = []
    let inner: Span | undefined
    await profile(CPU, () => {
      seen.push(inject())
      record('own', own => {
        expect(inject()).toEqual({ traceparent: `00-${own.traceId}-${own.spanId}-03` })
      })
      extract({ traceparent: `00-${TRACE}-${PARENT}-02`, tracestate: 'a=1, b=2' }, () => {
        seen.push(inject())
        record('inner', each => {
          inner = each
          seen.push(inject())
          const manual = span('manual')
          expect(inject(manual)?.traceparent).toBe(`00-${TRACE}-${manual.spanId}-02`)
          manual.end()
        })
      })
    })
    expect(seen).toEqual([
      undefined,
      { traceparent: `00-${TRACE}-${PARENT}-02`, tracestate: 'a=1,b=2' },
      { traceparent: `00-${TRACE}-${inner?.spanId}-02`, tracestate: 'a=1,b=2' },
    ])
  })

  it('let a trace through while nothing is recorded', async () => {
    await extract({ traceparent: HEADER, tracestate: 'vendor=x' }, () =>
      record('off', async () => {
        await tick()
        expect(inject()).toEqual({ traceparent: HEADER, tracestate: 'vendor=x' })
      }),
    )
    expect(inject()).toBeUndefined()
    expect(inject(span('off'))).toBeUndefined()
  })

  it.each([
    [`00-${TRACE}-${PARENT}-00`, '00'],
    [`00-${TRACE}-${PARENT}-03`, '03'],
    [`00-${TRACE}-${PARENT}-ff`, '03'],
    [`01-${TRACE}-${PARENT}-01`, '01'],
    [`cc-${TRACE}-${PARENT}-01-what-the-future-adds`, '01'],
  ])('read %s', (traceparent, flags) => {
    expect(extract({ traceparent }, inject)).toEqual({ traceparent: `00-${TRACE}-${PARENT}-${flags}` })
  })

  it.each([
    ['', 'empty'],
    [`ff-${TRACE}-${PARENT}-01`, 'version ff'],
    [`00-${TRACE}-${PARENT}-01-more`, 'version 00 with more fields'],
    [`01-${TRACE}-${PARENT}-01x`, 'a later version without a dash'],
    [`00-${'0'.repeat(32)}-${PARENT}-01`, 'a trace id of zeros'],
    [`00-${TRACE}-${ZEROS}-01`, 'a span id of zeros'],
    [`00-${TRACE.toUpperCase()}-${PARENT}-01`, 'capitals'],
    [`00-${TRACE.slice(1)}-${PARENT}-01`, 'a short id'],
    [`0-${TRACE}-${PARENT}-01`, 'a short version'],
    [` 00-${TRACE}-${PARENT}-01`, 'a space'],
    [[HEADER, HEADER], 'two headers'],
    [undefined, 'no header'],
    [7, 'a number'],
  ] as [unknown, string][])('ignore %s: %s', async traceparent => {
    let trace: string | undefined
    const capture = await profile(CPU, () =>
      extract({ traceparent, tracestate: 'a=1' }, () =>
        record('new', each => {
          trace = each.traceId
          expect(inject()).toEqual({ traceparent: `00-${trace}-${each.spanId}-03` })
        }),
      ),
    )
    expect(rowOf(capture, 'new')).toMatchObject({ trace_id: trace, parent_span_id: ZEROS })
    expect(trace).not.toBe(TRACE)
  })

  it.each([
    ['a=1,,b=2', 'a=1,b=2'],
    [['a=1', 'b=2'], 'a=1,b=2'],
    ['tenant@vendor=x y', 'tenant@vendor=x y'],
    ['A=1', undefined],
    ['a', undefined],
    ['a=ü', undefined],
    [Array.from({ length: 33 }, (_, n) => `k${n}=v`).join(), undefined],
    ['', undefined],
  ])('hand on the state %j as %j', (tracestate, expected) => {
    expect(extract({ traceparent: HEADER, tracestate }, inject)?.tracestate).toBe(expected)
  })

  it('take no carrier for no parent, and pass on what the body throws', () => {
    expect(extract(undefined, () => 1)).toBe(1)
    expect(extract(null, () => 2)).toBe(2)
    const problem = new Error('body')
    expect(() =>
      extract({ traceparent: HEADER }, () => {
        throw problem
      }),
    ).toThrow(problem)
  })

  it('make a span of the main thread the parent of one in a worker', async () => {
    const outcome = await runChild(`
      import { Worker } from 'node:worker_threads'
      import { inject, profile, record } from 'opscope'
      const url = JSON.stringify(new URL('lib/index.js', 'file://' + process.cwd() + '/').href)
      const worker = new Worker('import(' + url + ').then(({ extract, op, record }) => {' +
        'require("node:worker_threads").parentPort.once("message", message =>' +
        'extract(message.trace, () => record("work", () => record("inner", () => {}))))})', { eval: true })
      const capture = await profile({ state: 'CPU' }, () => record('request', async () => {
        worker.postMessage({ trace: inject() })
        await new Promise(resolve => worker.on('exit', resolve))
      }))
      const rows = Object.fromEntries(capture.rows().toArray().map(row => [row.name, row]))
      const { spans } = capture
      const nameAt = row => spans.names[spans.name[row]].text
      const parents = {}
      spans.parent.forEach((parent, row) => { parents[nameAt(row)] = parent < 0 ? null : nameAt(parent) })
      console.log(JSON.stringify({
        isOneTrace: rows.work.trace_id === rows.request.trace_id && rows.inner.trace_id === rows.request.trace_id,
        isChild: rows.work.parent_span_id === rows.request.span_id,
        isElsewhere: rows.work['thread.id'] !== rows.request['thread.id'],
        parents: [parents.work, parents.inner],
        async: capture.asyncOps().map(row => row.path.join('/')),
        ops: capture.ops().map(row => row.path.join('/')),
      }))
    `)
    expect(outcome.stderr).toBe('')
    expect(JSON.parse(outcome.stdout)).toEqual({
      isOneTrace: true,
      isChild: true,
      isElsewhere: true,
      parents: ['request', 'work'],
      async: ['request'],
      ops: expect.arrayContaining(['request/work', 'request/work/inner']),
    })
  })
})

describe('the option traceparent', () => {
  it('is the parent of all that has none, ops too, and of what is injected', async () => {
    const work = op('work')
    let own: Span | undefined
    const seen: unknown[] = []
    const capture = await profile({ ...CPU, traceparent: HEADER }, () => {
      seen.push(inject())
      work.begin()
      recordSync('in the op', () => {})
      work.end()
      record('plain', () => {})
      record('asked', each => {
        own = each
        seen.push(inject())
      })
      record('root', { root: true }, () => {})
    })
    expect(inject()).toBeUndefined()
    expect(seen).toEqual([{ traceparent: HEADER }, { traceparent: `00-${TRACE}-${own?.spanId}-01` }])
    for (const name of ['work', 'plain', 'asked'])
      expect(rowOf(capture, name), name).toMatchObject({ trace_id: TRACE, parent_span_id: PARENT })
    expect(rowOf(capture, 'in the op').trace_id).toBe(TRACE)
    expect(parentOf(capture, 'in the op')).toBe('work')
    expect(rowOf(capture, 'root')).toMatchObject({ parent_span_id: ZEROS })
    expect(rowOf(capture, 'root').trace_id).not.toBe(TRACE)
  })

  it('is refused when it is none', async () => {
    await expect(profile({ traceparent: 'x' }, () => {})).rejects.toThrow(/"traceparent" option to be a traceparent/)
  })
})

describe('an active span of OpenTelemetry', () => {
  const store = new AsyncLocalStorage<Context>()
  const manager: ContextManager = {
    active: () => store.getStore() ?? ROOT_CONTEXT,
    with: (context, body, thisArg, ...args) => store.run(context, () => body.apply(thisArg as never, args)),
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => manager,
  }
  const tracer = new BasicTracerProvider().getTracer('test')
  afterEach(() => otelContext.disable())

  it('is the parent of a span without one of ours, and only of that', async () => {
    const before = await profile(CPU, () => record('before it is there', () => {}))
    expect(rowOf(before, 'before it is there').parent_span_id).toBe(ZEROS)
    otelContext.setGlobalContextManager(manager)
    const outer = tracer.startSpan('outer')
    const { traceId, spanId } = outer.spanContext()
    let injected: unknown
    const capture = await profile(CPU, async () => {
      record('beside', () => {})
      await otelContext.with(otelTrace.setSpan(otelContext.active(), outer), async () => {
        injected = inject()
        await tick()
        await record('adopted', async () => {
          await tick()
          await otelContext.with(otelTrace.setSpan(otelContext.active(), tracer.startSpan('deeper')), () =>
            record('ours goes first', tick),
          )
        })
        span('by hand').end()
        extract({ traceparent: HEADER }, () => record('extracted', () => {}))
      })
    })
    expect(injected).toEqual({ traceparent: `00-${traceId}-${spanId}-01` })
    for (const name of ['adopted', 'by hand'])
      expect(rowOf(capture, name), name).toMatchObject({ trace_id: traceId, parent_span_id: spanId })
    expect(rowOf(capture, 'ours goes first').trace_id).toBe(traceId)
    expect(parentOf(capture, 'ours goes first')).toBe('adopted')
    expect(rowOf(capture, 'extracted')).toMatchObject({ trace_id: TRACE, parent_span_id: PARENT })
    expect(rowOf(capture, 'beside').parent_span_id).toBe(ZEROS)
  })

  it('does no harm where its context manager fails', async () => {
    otelContext.setGlobalContextManager(manager)
    vi.spyOn(manager, 'active').mockImplementation(() => {
      throw new Error('broken')
    })
    const capture = await profile(CPU, () => record('span', () => {}))
    vi.restoreAllMocks()
    expect(rowOf(capture, 'span').parent_span_id).toBe(ZEROS)
  })

  it('is found when the API is loaded after the recording has begun, which it is not kept from', async () => {
    const outcome = await runChild(`
      import { createRequire } from 'node:module'
      import { profile, record } from 'opscope'
      const require = createRequire(process.cwd() + '/')
      const key = Symbol.for('opentelemetry.js.api.1')
      const capture = await profile({ state: 'CPU' }, () => {
        record('before', () => {})
        const { context, trace } = require('@opentelemetry/api')
        let current = context.active()
        console.log(context.setGlobalContextManager({ active: () => current, with: (next, fn) => { const old = current; current = next; try { return fn() } finally { current = old } }, bind: (c, t) => t, enable() {}, disable() {} }))
        console.log(Object.keys(globalThis[key]).join())
        const spanContext = { traceId: '${TRACE}', spanId: '${PARENT}', traceFlags: 1 }
        context.with(trace.setSpanContext(context.active(), spanContext), () => record('after', () => {}))
      })
      console.log(capture.filter('name', 'after').toArray()[0].parent_span_id)
      console.log(capture.filter('name', 'before').toArray()[0].parent_span_id)
    `)
    expect(outcome).toMatchObject({ code: 0, stderr: '', stdout: `true\nversion,context\n${PARENT}\n${ZEROS}\n` })
  })
})

describe('recordIterator', () => {
  async function* letters(onEnd = () => {}) {
    try {
      for (const letter of 'abc') {
        record(`make ${letter}`, () => {})
        await tick()
        recordSync(`after ${letter}`, () => {})
        yield letter
      }
    } finally {
      onEnd()
    }
  }

  it('is one span from the first item to the last, with what the source does inside', async () => {
    const items: string[] = []
    const capture = await profile(CPU, async () => {
      await record('request', async () => {
        const all = recordIterator('generate', letters(), { itemEvent: 'token', attributes: { model: 'x' } })
        for await (const letter of all) {
          items.push(letter)
          recordSync(`use ${letter}`, () => {})
        }
      })
      recordIterator('never asked', letters())
    })
    expect(items.join('')).toBe('abc')
    expect(capture.filter('name', 'never asked').numRows).toBe(0)
    expect(parentOf(capture, 'generate')).toBe('request')
    expect(rowOf(capture, 'generate')).toMatchObject({ status: 'ok' })
    for (const letter of 'abc') {
      expect(['make', 'after', 'use'].map(what => parentOf(capture, `${what} ${letter}`))).toEqual([
        'generate',
        'generate',
        'request',
      ])
    }
    expect(capture.marks().map(({ name }) => name)).toEqual(['token', 'token', 'token'])
  })

  it('ends when the consumer stops, and lets the source tidy up', async () => {
    const onEnd = vi.fn()
    const capture = await profile(CPU, async () => {
      for await (const _ of recordIterator('generate', letters(onEnd))) break
      await tick()
      recordSync('later', () => {})
    })
    expect(onEnd).toHaveBeenCalledOnce()
    const { end } = rowOf(capture, 'generate')
    expect(rowOf(capture, 'generate').status).toBe('ok')
    expect(Number(end)).toBeLessThan(Number(rowOf(capture, 'later').start))
  })

  it('fails as its source fails, synchronously or not', async () => {
    const problem = new Error('source')
    const sources: AsyncIterable<string>[] = [
      // biome-ignore lint/correctness/useYield: it fails first
      (async function* () {
        throw problem
      })(),
      {
        [Symbol.asyncIterator]() {
          throw problem
        },
      },
    ]
    const capture = await profile(CPU, async () => {
      for (const source of sources) {
        await expect(recordIterator('generate', source).next()).rejects.toBe(problem)
      }
    })
    expect(capture.filter('name', 'generate').column('status')).toEqual(['error', 'error'])
  })

  it('takes streams, and passes everything through while nothing is recorded', async () => {
    const read = async () => {
      const parts: string[] = []
      for await (const part of recordIterator('read', Readable.from(['x', 'y']))) parts.push(part)
      return parts.join('')
    }
    expect(await read()).toBe('xy')
    let text = ''
    const capture = await profile(CPU, async () => {
      text = await read()
    })
    expect(text).toBe('xy')
    expect(rowOf(capture, 'read').status).toBe('ok')
  })

  it('refuses what is no async iterable', () => {
    expect(() => recordIterator('x', [1] as never)).toThrow(
      expect.objectContaining({ code: 'ERR_OPSCOPE_OPTION_VALUE' }),
    )
    expect(() => recordIterator('x', null as never)).toThrow(/async iterable/)
  })
})

describe('wrap', () => {
  it('takes all options of record', async () => {
    const job = wrap('job', () => {}, { root: true })
    const capture = await profile(CPU, () => record('outer', () => job()))
    expect(rowOf(capture, 'job').parent_span_id).toBe(ZEROS)
  })
})
