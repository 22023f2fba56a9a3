import { describe, expect, it } from 'vitest'

import { type Capture, counter, mark, op, profile, record, recordSync, span, wrap } from '../src/index.js'

/** "outer(inner) other": all spans by parent, async ones with a star, unfinished ones with a mark. */
function tree(capture: Capture, parent = -1): string {
  const { spans } = capture
  const parts: string[] = []
  for (let row = 0; row < spans.length; row++) {
    if (spans.parent[row] !== parent) continue
    const { text, category } = spans.names[spans.name[row]!]!
    if (category === 9) continue // garbage collections come when they like
    const flags = spans.flags[row]!
    const inner = tree(capture, row)
    parts.push(`${text}${flags & 1 ? '*' : ''}${flags & 2 ? '!' : ''}${flags & 4 ? '?' : ''}${inner && `(${inner})`}`)
  }
  return parts.join(' ')
}
const tick = () => new Promise(resolve => setImmediate(resolve))

describe('op', () => {
  it('nests by the stack of the thread, with phases', async () => {
    const outer = op('outer')
    const inner = op('inner')
    const capture = await profile({}, () => {
      outer.begin()
      inner.begin()
      inner.phase('compute').begin()
      inner.phase('compute').end()
      inner.end()
      outer.end()
    })
    expect(tree(capture)).toBe('outer(inner(compute))')
    expect(capture.ops({ tracerOption: 'OpDetail' }).map(row => row.role)).toEqual(['op', 'op', 'phase'])
  })

  it('records an instance below its type only when AllOpDetail asks for it', async () => {
    const fill = op('fill', { instance: 'x' })
    const body = () => {
      fill.begin()
      fill.end()
    }
    expect(tree(await profile({ tracerOption: 'OpDetail' }, body))).toBe('fill')
    expect(tree(await profile({ tracerOption: 'AllOpDetail' }, body))).toBe('fill(fill)')
  })

  it('finds its parent in the async context when nothing is open on the stack', async () => {
    const matmul = op('matmul')
    const capture = await profile({}, () =>
      record('request', async () => {
        await tick()
        matmul.begin()
        matmul.end()
      }),
    )
    expect(tree(capture)).toBe('request*(matmul)')
  })

  it('counts an end without a begin, and goes on', async () => {
    const lonely = op('lonely')
    const capture = await profile({}, () => {
      lonely.end()
      lonely.begin()
      lonely.end()
    })
    expect(tree(capture)).toBe('lonely')
    expect(capture.warnings.find(warning => warning.code === 'unmatched-ends')?.count).toBe(1)
  })

  it('keeps a span that is open at the stop, out of the statistics', async () => {
    const open = op('left open')
    const capture = await profile({}, () => open.begin())
    open.end()
    expect(tree(capture)).toBe('left open!')
    expect(capture.ops()[0]).toMatchObject({ calls: 0, unfinished: 1 })
  })
})

describe('record', () => {
  it('returns what the body returns, sync or async', async () => {
    await profile({}, async () => {
      expect(record('sync', () => 1)).toBe(1)
      expect(await record('async', async () => 2)).toBe(2)
    })
    expect(record('off', () => 3)).toBe(3)
  })

  it('passes on what the body throws, unchanged, and marks the span', async () => {
    const thrown = new Error('sync')
    const rejected = new Error('async')
    const capture = await profile({}, async () => {
      expect(() =>
        record('throws', () => {
          throw thrown
        }),
      ).toThrow(thrown)
      await expect(record('rejects', () => Promise.reject(rejected))).rejects.toBe(rejected)
    })
    expect(tree(capture)).toBe('throws? rejects*?')
  })

  it('keeps each of several concurrent bodies with its own children', async () => {
    const capture = await profile({}, () =>
      record('all', () =>
        Promise.all(
          ['a', 'b'].map(name =>
            record(name, async () => {
              await tick()
              recordSync(`${name} inside`, () => {})
            }),
          ),
        ),
      ),
    )
    expect(tree(capture)).toBe('all*(a*(a inside) b*(b inside))')
    expect(
      capture
        .asyncOps()
        .map(row => [row.path.join('/'), row.calls])
        .sort(),
    ).toEqual([
      ['all', 1],
      ['all/a', 1],
      ['all/b', 1],
    ])
  })

  it('never calls then of a thenable that is no promise', async () => {
    let thenCalls = 0
    // biome-ignore lint/suspicious/noThenProperty: the thenable is the point
    const query = { then: () => (thenCalls += 1) }
    await profile({}, () => {
      expect(record('query', () => query)).toBe(query)
    })
    expect(thenCalls).toBe(0)
  })

  it('lets an unhandled rejection stay unhandled', async () => {
    const seen: unknown[] = []
    const listeners = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection')
    process.once('unhandledRejection', reason => seen.push(reason))
    await profile({}, async () => {
      void record('rejects', () => Promise.reject(new Error('nobody listens')))
      await tick()
      await tick()
    })
    for (const listener of listeners) process.on('unhandledRejection', listener)
    expect(seen).toHaveLength(1)
  })

  it('stores attributes and links with the span', async () => {
    const context = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' }
    const capture = await profile({}, () =>
      record('batch', { attributes: { size: 8, id: 9007199254740993n, cold: true }, links: [context] }, inner => {
        inner.setAttribute('model', 'résumé')
        inner.addLink({ traceId: 'short', spanId: 'x' })
      }),
    )
    expect(capture.attributesOf(0)).toEqual({ size: 8, id: 9007199254740993n, cold: true, model: 'résumé' })
    expect(capture.linksOf(0)).toEqual([context])
    expect(capture.warnings.map(warning => warning.code)).toContain('invalid-links')
  })
})

describe('recordSync', () => {
  it('warns once per session about bodies that return promises', async () => {
    const capture = await profile({}, async () => {
      await recordSync('mistake', async () => {})
      await recordSync('mistake', async () => {})
    })
    expect(capture.warnings.filter(warning => warning.code === 'promise-in-record-sync')).toMatchObject([{ count: 2 }])
  })
})

describe('span, wrap, mark, counter', () => {
  it('opens spans by hand that are parents of nothing', async () => {
    const capture = await profile({}, () => {
      const outer = span('download')
      recordSync('parse', () => {})
      outer.end()
      outer.end()
      span('failed').end(new Error('no'))
    })
    expect(tree(capture)).toBe('download* parse failed*?')
  })

  it('wraps a function without changing what it is to its callers', async () => {
    const model = {
      scale: 2,
      predict: wrap('predict', function (this: { scale: number }, x: number, y: number) {
        return (x + y) * this.scale
      }),
    }
    expect(model.predict.length).toBe(2)
    const capture = await profile({}, () => {
      expect(model.predict(1, 2)).toBe(6)
    })
    expect(tree(capture)).toBe('predict')
  })

  it('keeps marks and counters with their times', async () => {
    const capture = await profile({}, () => {
      mark('weights loaded')
      counter('queue', 3)
    })
    expect(capture.marks().map(row => row.name)).toEqual(['weights loaded'])
    expect(capture.counters().filter(row => row.name === 'queue')).toMatchObject([{ value: 3 }])
  })
})

describe('names', () => {
  it('stores every text, and says which it had to change', async () => {
    const names = ['', 'a/b', 'tab\tand\nline', '100%', 'x::y', 'x'.repeat(3000), 'lone \ud800 surrogate', '日本語']
    const capture = await profile({}, () => {
      for (const name of names) recordSync(name, () => {})
    })
    const stored = capture.ops().map(row => row.path)
    expect(stored.every(path => path.length === 1)).toBe(true)
    const texts = stored.map(path => path[0]!)
    expect(texts).toContain('(unnamed)')
    expect(texts).toContain('a/b')
    expect(texts).toContain('100%')
    expect(texts).toContain('x::y')
    expect(texts).toContain('日本語')
    expect(texts).toContain('lone \ufffd surrogate')
    expect(texts.some(text => text.endsWith('…') && text.startsWith('xxx'))).toBe(true)
    expect(capture.warnings.map(warning => warning.code)).toContain('changed-names')
    expect(capture.report()).not.toMatch(/tab\tand/)
  })

  it.each([undefined, null, 7, {}])('refuses %s as a name of an op', name => {
    expect(() => op(name as never)).toThrow(expect.objectContaining({ code: 'ERR_OPSCOPE_OPTION_VALUE' }))
  })

  it('answers a misspelled option or category with the nearest name', () => {
    expect(() => op('x', { instnce: 'y' } as never)).toThrow(/Did you mean "instance"/)
    expect(() => op('x', { category: 'cpu_opp' as never })).toThrow(/Did you mean "cpu_op"/)
  })
})
