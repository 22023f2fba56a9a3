import { describe, expect, it } from 'vitest'

import { demoModel } from '../../examples/demo/demo-network.mjs'
import { scanModel } from '../../src/integrations/onnxruntime/model-scan.js'
import { joinByOrder, type ServedRun } from '../../src/integrations/onnxruntime/node-rows.js'
import { OrtProfileReader, type OrtRun } from '../../src/integrations/onnxruntime/ort-profile.js'

// As the runtime writes them: blanks, and arguments in any order.
const line = (cat: string, name: string, ts: number, dur: number, args = '', tid = 7) =>
  `{"cat" : "${cat}","pid" :1,"tid" :${tid},"dur" :${dur},"ts" :${ts},"ph" : "X","name" :"${name}","args" : {${args}}},`
const kernel = (name: string, op: string, ts: number, dur: number, tid?: number) =>
  line('Node', `${name}_kernel_time`, ts, dur, `"node_index" : "0","op_name" : "${op}"`, tid)
const run = (ts: number, dur: number) => line('Session', 'model_run', ts, dur)

function readOrtProfile(text: string): OrtRun[] {
  const reader = new OrtProfileReader()
  for (const each of text.split('\n')) reader.takeLine(each)
  return reader.runs
}

describe('OrtProfileReader', () => {
  it('gives each run the nodes that precede its line', () => {
    const text = [
      '[',
      line('Session', 'model_loading_array', 0, 5),
      line('Session', 'session_initialization', 5, 5),
      kernel('a', 'Conv', 21, 4),
      line('Session', 'SequentialExecutor::Execute', 20, 8),
      run(20, 10),
      kernel('a', 'Conv', 41, 6),
      kernel('b', 'Relu', 47, 0),
      run(40, 10),
      ']',
    ].join('\n')
    const runs = readOrtProfile(text)
    expect(runs.map(each => each.nodes.map(({ op, name, durationUs }) => [op, name, durationUs]))).toEqual([
      [['Conv', 'a', 4]],
      [
        ['Conv', 'a', 6],
        ['Relu', 'b', 0],
      ],
    ])
    expect(runs.map(each => each.eventCount)).toEqual([3, 3])
  })

  it('drops nodes that are older than the run', () => {
    const [only] = readOrtProfile([kernel('lost', 'Conv', 1, 2), kernel('a', 'Relu', 11, 2), run(10, 5)].join('\n'))
    expect(only!.nodes.map(node => node.name)).toEqual(['a'])
  })

  it('puts the nodes of a branch below their If, but neighbours and other threads beside it', () => {
    const [only] = readOrtProfile(
      [
        kernel('before', 'Abs', 10, 1),
        kernel('inner', 'Exp', 14, 2),
        kernel('elsewhere', 'Cos', 14, 2, 8),
        kernel('choose', 'If', 11, 6),
        kernel('after', 'Add', 17, 0),
        run(10, 9),
      ].join('\n'),
    )
    expect(only!.nodes.map(node => [node.name, only!.nodes[node.parent]?.name, node.hasChildren])).toEqual([
      ['before', undefined, false],
      ['inner', 'choose', false],
      ['elsewhere', undefined, false],
      ['choose', undefined, true],
      ['after', undefined, false],
    ])
  })

  it('skips lines that are cut or unknown, and reads escaped names', () => {
    const [only] = readOrtProfile(
      [kernel('say \\"a\\"', 'Conv', 1, 1), '{"cat" : "Node","pid" :1', run(0, 5), '{'].join('\n'),
    )
    expect(only!.nodes.map(node => node.name)).toEqual(['say "a"'])
  })
})

describe('joinByOrder', () => {
  const served = (...outcomes: ServedRun['outcome'][]): ServedRun[] =>
    outcomes.map((outcome, index) => ({ outcome, spanId: index + 1, startNs: 0n, endNs: 1n, isWarmUp: false }))
  const joined = (runs: ServedRun[], records: number) => joinByOrder(runs, records).map(each => each.spanId)

  it('counts failed runs as records and refused ones not', () => {
    expect(joined(served('done', 'refused', 'failed', 'done'), 3)).toEqual([1, 3, 4])
  })
  it('trusts only the runs before the first failure when the count is another', () => {
    expect(joined(served('done', 'done', 'failed', 'done'), 3)).toEqual([1, 2])
    expect(joined(served('done', 'done'), 1)).toEqual([1])
  })
})

describe('scanModel', () => {
  const scan = (bytes: Uint8Array) => scanModel((at, length) => bytes.subarray(at, at + length), bytes.length)

  it('counts the nodes and reads the name of a graph', () => {
    expect(scan(demoModel())).toEqual({ graphName: 'demo', nodeCount: 15, hasSubgraphs: false, isRandom: false })
  })
  it.each(['', 'ORTM and more', 'no model at all', '\u0000\u0001'])('knows that %j is no model', text => {
    expect(scan(Buffer.from(text))).toBeUndefined()
  })
  it('knows that a cut file is no model', () => {
    expect(scan(demoModel().subarray(0, 1000))).toBeUndefined()
  })
})
