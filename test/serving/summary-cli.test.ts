import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cli } from '../cli/run-cli.js'
import { ENSEMBLE_TRACES, GRPC_TRACES, v1File, v2File } from '../fixtures/request-traces.js'
import { traceFile } from './summary-of.js'

const grpc = traceFile(v2File(GRPC_TRACES), 'grpc.json')
const ensemble = traceFile(v2File(ENSEMBLE_TRACES), 'ensemble.json')
const nothing = traceFile('[]', 'nothing.json')
const foreign = traceFile('once upon a time', 'foreign.txt')
const cut = traceFile(v2File(GRPC_TRACES).slice(0, -1), 'cut.json')
const lacking = traceFile(
  v2File([
    {
      id: 1,
      model: 'm',
      version: 1,
      stamps: { HTTP_RECV_START: 1, HTTP_SEND_END: 5, REQUEST_START: 2, REQUEST_END: 3 },
    },
  ]),
  'lacking.json',
)

describe('opscope summary', () => {
  it('prints files one after another', async () => {
    const { code, stdout, stderr } = await cli(['summary', grpc, ensemble])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^File: .*grpc\.json\n2 traces .*\n\nresnet50 \(3\)[\s\S]*\n\nFile: .*ensemble\.json\n/)
  })
  it('reads standard input', async () => {
    const { code, stdout } = await cli(['summary', '-'], v2File(GRPC_TRACES))
    expect(code).toBe(0)
    expect(stdout).toMatch(/^File: <stdin>\n2 traces/)
  })
  it('prints stamps of each trace, then the figures', async () => {
    const { stdout } = await cli(['summary', '-t', grpc])
    expect(stdout.indexOf('id 2')).toBeLessThan(stdout.indexOf('File:'))
  })
  it('prints one JSON array for all files', async () => {
    const { stdout } = await cli(['summary', '--json', '-t', grpc, ensemble])
    expect(JSON.parse(stdout).map((each: { traces: number }) => each.traces)).toEqual([2, 4])
  })
  it('prints the text of trace_summary.py', async () => {
    for (const args of [
      ['--compat', grpc],
      ['--compat=v2.43', grpc],
      [grpc, '--compat'],
    ]) {
      const { code, stdout } = await cli(['summary', ...args])
      expect(code).toBe(0)
      expect(
        stdout.startsWith(
          `File: ${grpc}\nSummary for resnet50 (3): trace count = 2\nGRPC infer request (avg): 465.0us\n\tSend`,
        ),
      ).toBe(true)
    }
    const { stdout } = await cli(['summary', '-v', '--compat', '--model', 'none', grpc])
    expect(stdout).toMatch(/^\[\n {2}\{\n {4}"id": 1,\n {4}"model_name": "resnet50",\n {4}"model_version": 3,\n/)
    expect(stdout).toMatch(/\n {8}"name": "REQUEST_START",\n {8}"ns": 5000020040000\n {6}\}\n/)
    expect(stdout).toMatch(/\n {2}\}\n\]\nFile: .*\n$/)
  })
  it('takes the text of the first release for its files', async () => {
    const file = traceFile(
      v1File([
        {
          id: 0,
          model: 'm',
          version: -1,
          stamps: { 'http recv start': 1, 'request handler start': 2, 'request handler end': 5001 },
        },
      ]),
      'v1.json',
    )
    expect((await cli(['summary', '--compat', file])).stdout).toContain('\tHandler (avg): 4us\n')
  })
  it('writes a timeline', async () => {
    const out = join(dirname(grpc), 'out.json')
    const { code } = await cli(['summary', ensemble, '--chrome', out])
    expect([code, JSON.parse(readFileSync(out, 'utf8')).traceEvents.length]).toEqual([0, 32])
  })
  it('prints at the width that is asked for', async () => {
    const { stdout } = await cli(['summary', grpc, '--columns', '60'])
    expect(
      Math.max(
        ...stdout
          .split('\n')
          .filter(line => !line.startsWith('File'))
          .map(line => Buffer.from(line, 'latin1').toString().length),
      ),
    ).toBeLessThanOrEqual(60)
  })
  it.each<[string, string[], number, RegExp]>([
    ['a file that is not there', ['/no/such.json'], 2, /Cannot read/],
    ['no request trace', [foreign], 2, /is no request trace/],
    ['one of several that cannot be read', [grpc, '/no/such.json'], 2, /Cannot read/],
    ['no traces', [nothing], 3, /^$/],
    ['no traces of the model', [grpc, '--model', 'other'], 3, /^$/],
    ['no traces that are complete', [lacking], 3, /^$/],
    ['a file that is cut', [cut], 0, /warning: the file ends before its JSON does; what is whole was read \(1\)/],
    ['one that ends the original', ['--compat', lacking], 1, /ends here with ValueError: trace 1 has no HTTP_RECV_END/],
    ['no file', [], 2, /A summary needs a file/],
    ['no such version', ['--compat=v9', grpc], 2, /Expected --compat=v1\|v1-python3\|v2.41\|v2.43, got v9/],
    ['no time', [grpc, '--since', 'soon'], 2, /Expected the "since" option to be a time/],
    ['a text that has no JSON', [grpc, '--compat', '--json'], 2, /--json is not part of it/],
    ['a timeline of two files', [grpc, ensemble, '--chrome', 'x.json'], 2, /one file at a time/],
    ['a timeline that cannot be written', [grpc, '--chrome', '/no/such/x.json'], 1, /Cannot write/],
  ])('tells of %s by its exit code', async (_, args, code, message) => {
    const result = await cli(['summary', ...args])
    expect([result.code, message.test(result.stderr) ? '' : result.stderr]).toEqual([code, ''])
  })
})
