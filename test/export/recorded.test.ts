// A recorded session knows more than plain rows can say: pauses, and when an async body returned.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'

import type { Capture } from '../../src/capture.js'
import { loadCapture } from '../../src/load-capture.js'
import { profile } from '../../src/profiler.js'
import { counter, mark, op, record, recordSync } from '../../src/record.js'
import { contentOf } from './capture-content.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-test-'))
let recorded: Capture
beforeAll(async () => {
  const matmul = op('matmul')
  recorded = await profile({ attributes: { model: 'demo' } }, async session => {
    for (let request = 0; request < 3; request++) {
      await record('request', { attributes: { request } }, async () => {
        recordSync('prepare', () => {})
        await Promise.all([record('queue', () => nextTurn()), record('fetch', () => nextTurn())])
        matmul.begin()
        matmul.end()
        mark('done')
        counter('depth', request)
      })
      session.pause()
      recordSync('unseen', () => {})
      session.resume()
    }
    await record('fails', async () => {
      await nextTurn()
      throw new Error('as planned')
    }).catch(() => {})
  })
})

describe.each(['recorded.pftrace', 'recorded.json', 'recorded.json.gz'])('%s', name => {
  it('loads back as it was recorded', async () => {
    const path = join(folder, name)
    await recorded.export(path)
    expect(contentOf(await loadCapture(path))).toEqual(contentOf(recorded))
  })
})
