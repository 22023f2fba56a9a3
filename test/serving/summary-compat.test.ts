// The texts are those of Triton's own scripts, of the versions named, run on the same files.
import { describe, expect, it } from 'vitest'
import { pythonDivide, pythonFloat } from '../../src/serving/python-text.js'
import { type TritonSummaryOptions, tritonSummary } from '../../src/serving/summary/index.js'
import {
  core,
  ENSEMBLE_TRACES,
  GRPC_TRACES,
  MIXED_TRACES,
  type Offsets,
  type SampleTrace,
  v1File,
  v2File,
} from '../fixtures/request-traces.js'
import { traceFile } from './summary-of.js'

const textOf = async (content: string, options: TritonSummaryOptions = {}) =>
  (await tritonSummary(traceFile(content), { ...options, name: 'trace.json' })).text
const withTabs = (text: string) => text.replaceAll('→', '\t')

describe('the text of v1', () => {
  // From the documentation of the first release: an HTTP request at level MIN.
  const DELTAS = [49_061, 343_093, 18_322, 50_005, 6_974_372, 5110, 317_719, 14_324]
  const NAMES = [
    'http recv start',
    'http recv end',
    'request handler start',
    'queue start',
    'compute start',
    'compute end',
    'request handler end',
    'http send start',
    'http send end',
  ]
  const stamps: Offsets = Object.fromEntries(
    NAMES.map((name, at) => [name, DELTAS.slice(0, at).reduce((sum, ns) => sum + ns, 0)]),
  )
  const file = (more: Partial<SampleTrace> = {}) => v1File([{ model: 'simple', version: -1, stamps, ...more }])

  it('has whole µs, as Python 2 divides', async () => {
    for (const more of [{}, { id: 0 }]) {
      expect(await textOf(file(more))).toBe(
        withTabs(`File: trace.json
Summary for simple (-1): trace count = 1
HTTP infer request (avg): 7772us
→Receive (avg): 49us
→Send (avg): 14us
→Overhead (avg): 660us
→Handler (avg): 7047us
→→Overhead (avg): 23us
→→Queue (avg): 50us
→→Compute (avg): 6974us
`),
      )
    }
  })
  it('has fractions, as Python 3 divides', async () => {
    expect(await textOf(file(), { version: 'v1-python3' })).toBe(
      withTabs(`File: trace.json
Summary for simple (-1): trace count = 1
HTTP infer request (avg): 7772.006us
→Receive (avg): 49.061us
→Send (avg): 14.324us
→Overhead (avg): 660.812us
→Handler (avg): 7047.809us
→→Overhead (avg): 23.432us
→→Queue (avg): 50.005us
→→Compute (avg): 6974.372us
`),
    )
  })
  it.each([
    ['v1', [49, 343, 18, 50, 6974, 5, 317, 14]],
    ['v1-python3', [49.061, 343.093, 18.322, 50.005, 6974.372, 5.11, 317.719, 14.324]],
  ] as const)('shows the stamps of each trace, %s', async (version, deltas) => {
    const lines = NAMES.flatMap((name, at) => [...(at === 0 ? [] : [`→→${deltas[at - 1]}us`]), `→${name}`])
    const text = await textOf(file({ id: 0 }), { version, showTraces: true })
    expect(text).toContain(withTabs(['File: trace.json', 'simple (-1):', '→id: 0', ...lines, 'Summary'].join('\n')))
    // The first release had no ids.
    expect(await textOf(file(), { version, showTraces: true })).toContain('simple (-1):\n\thttp recv start\n')
  })
  it('rounds down', async () => {
    const [first] = GRPC_TRACES
    const { INFER_RESPONSE_COMPLETE: _, ...rest } = first!.stamps
    const spelled = Object.entries(rest).map(([name, ns]) => [
      name.replace('REQUEST', 'REQUEST_HANDLER').replace('WAITREAD', 'WAIT/READ').replaceAll('_', ' ').toLowerCase(),
      ns,
    ])
    const grpc = v1File([{ ...first!, id: 0, version: -1, stamps: Object.fromEntries(spelled) }])
    const expected = (input: string, infer: string, output: string) =>
      withTabs(`→→→Input (avg): ${input}us\n→→→Infer (avg): ${infer}us\n→→→Output (avg): ${output}us\n`)
    const text = await textOf(grpc)
    expect(text).toContain(
      withTabs(`GRPC infer request (avg): 20520us
→Wait/Read (avg): 20000us
→Send (avg): 70us
→Overhead (avg): 44us
→Handler (avg): 406us
→→Overhead (avg): 24us
→→Queue (avg): 48us
→→Compute (avg): 334us
`),
    )
    expect(text).toContain(expected('30', '290', '13'))
    expect(await textOf(grpc, { version: 'v1-python3' })).toContain(expected('30.5', '290.0', '13.5'))
  })
  it('rounds down below zero, too', async () => {
    const late = v1File([{ id: 0, model: 'm', version: -1, stamps: { ...stamps, 'request handler end': 9_999_999 } }])
    // 7772.006 − 49.061 − 14.324 − 9607.845
    expect(await textOf(late)).toContain('\tOverhead (avg): -1900us\n')
  })
  it('is only the name of the file where the other version wrote it', async () => {
    expect(await textOf(file(), { version: 'v2.43' })).toBe('File: trace.json\n')
    expect(await textOf(v2File(GRPC_TRACES), { version: 'v1' })).toBe('File: trace.json\n')
  })
})

describe('the text of v2', () => {
  const HANDLER = `
→Handler (avg): 400.5005us
→→Overhead (avg): 46.5005us
→→Queue (avg): 31.0us
→→Compute (avg): 323.0us
→→→Input (avg): 25.25us
→→→Infer (avg): 285.0us
→→→Output (avg): 12.75us
`
  it('has the wait for a request up to v2.42', async () => {
    expect(await textOf(v2File(GRPC_TRACES), { version: 'v2.41' })).toBe(
      withTabs(`File: trace.json
Summary for resnet50 (3): trace count = 2
GRPC infer request (avg): 15464.5us
→Wait/Read (avg): 14999.5us
→Send (avg): 57.0us
→Overhead (avg): 7.4995us
${HANDLER}`),
    )
  })
  it('is that of the newest version if none is asked for', async () => {
    expect(await textOf(v2File(GRPC_TRACES))).toBe(
      withTabs(`File: trace.json
Summary for resnet50 (3): trace count = 2
GRPC infer request (avg): 465.0us
→Send (avg): 57.0us
${HANDLER}`),
    )
  })
  it('shows the stamps of each trace by id, from v2.43 on without the wait', async () => {
    const second = withTabs(`resnet50 (3):
→id: 2
→REQUEST_START
→→6.0us
→QUEUE_START
→→14.0us
→COMPUTE_START
→→20.0us
→COMPUTE_INPUT_END
→→280.0us
→COMPUTE_OUTPUT_START
→→12.0us
→COMPUTE_END
→→2.0us
→INFER_RESPONSE_COMPLETE
→→2.0us
→GRPC_SEND_START
→→44.0us
→GRPC_SEND_END
→→15.001us
→REQUEST_END
Summary for resnet50`)
    const file = v2File(GRPC_TRACES.toReversed())
    expect(await textOf(file, { showTraces: true })).toContain(second)
    const older = await textOf(file, { showTraces: true, version: 'v2.41' })
    expect(older).toContain(withTabs('→id: 2\n→GRPC_WAITREAD_START\n→→9999.0us\n→GRPC_WAITREAD_END\n→→30.0us\n'))
  })
  it('has the models by the lowest id of their traces', async () => {
    const traces = [3, 5, 1].map((id, at) => ({ ...GRPC_TRACES[0]!, id, model: at === 0 ? 'b' : 'a' }))
    expect((await textOf(v2File(traces))).match(/Summary for ./g)).toEqual(['Summary for a', 'Summary for b'])
  })
  it('goes through the ids once: what was made by a later one is not counted', async () => {
    const early = { ...GRPC_TRACES[0]!, id: 1, model: 'child', parent: 2, stamps: core(10, 20, 30, 40, 50, 60, 70) }
    expect(await textOf(v2File([early, GRPC_TRACES[1]!]))).not.toContain('Summary for child')
  })
  it('shows the data flow of the child with the lowest id', async () => {
    const other = [
      { ...ENSEMBLE_TRACES[0]!, id: 10, model: 'other' },
      { ...ENSEMBLE_TRACES[1]!, id: 11, parent: 10 },
    ]
    const flow = (text: string) => text.slice(text.indexOf('Data Flow:'))
    expect(flow(await textOf(v2File([...other, ...ENSEMBLE_TRACES])))).toBe(flow(await textOf(v2File(ENSEMBLE_TRACES))))
  })
  it('has the steps of an ensemble as models, and as the data flow', async () => {
    const frame = (step: number, count: number, name: string, version: number) => {
      const tabs = '\t'.repeat(step + 1)
      const rule = tabs + '='.repeat(count)
      return `${rule}\n${tabs}Name:   ${name}\n${tabs}Version:${version}\n${rule}\n`
    }
    expect(await textOf(v2File(ENSEMBLE_TRACES))).toBe(
      withTabs(`File: trace.json
Summary for ens (1): trace count = 1
HTTP infer request (avg): 957.5us
→Receive (avg): 21.0us
→Send (avg): 7.5us
→Overhead (avg): 53.0us

→Handler (avg): 876.0us
${[
  ['pre (1)', 136, 8, 18, 110, 5, 100, 5],
  ['cls (2)', 702, 16, 36, 650, 20, 610, 20],
  ['embed (1)', 504, 5, 19, 480, 10, 450, 20],
]
  .map(
    ([name, handler, overhead, queue, compute, input, infer, output]) => `Summary for ${name}: trace count = 1
→Handler (avg): ${handler}.0us
→→Overhead (avg): ${overhead}.0us
→→Queue (avg): ${queue}.0us
→→Compute (avg): ${compute}.0us
→→→Input (avg): ${input}.0us
→→→Infer (avg): ${infer}.0us
→→→Output (avg): ${output}.0us
`,
  )
  .join('')}Data Flow:
`) +
        frame(0, 66, 'ens', 1) +
        frame(1, 58, 'pre', 1) +
        frame(1, 58, 'cls', 2) +
        frame(2, 50, 'embed', 1),
    )
  })
  it('spreads the front end of some over the calls of all', async () => {
    expect(await textOf(v2File(MIXED_TRACES))).toContain(
      withTabs(`Summary for pre (1): trace count = 3
HTTP infer request (avg): 52.0us
→Receive (avg): 3.3333333333333335us
→Send (avg): 2.0us
→Overhead (avg): -43.333333333333336us

→Handler (avg): 90.0us
→→Overhead (avg): 7.666666666666667us
→→Queue (avg): 9.0us
→→Compute (avg): 73.33333333333333us
→→→Input (avg): 3.3333333333333335us
→→→Infer (avg): 66.66666666666667us
→→→Output (avg): 3.3333333333333335us
`),
    )
  })
  it('has the figures of the documented sample', async () => {
    // Ends of ns; the file has them in this order, which is not that of time.
    const stamps = {
      HTTP_RECV_START: 4_587_444,
      HTTP_RECV_END: 4_632_308,
      REQUEST_START: 4_785_863,
      QUEUE_START: 4_791_517,
      INFER_RESPONSE_COMPLETE: 7_587_919,
      COMPUTE_START: 4_887_198,
      COMPUTE_INPUT_END: 7_152_908,
      COMPUTE_OUTPUT_START: 7_497_763,
      COMPUTE_END: 7_540_989,
      REQUEST_END: 7_643_164,
      HTTP_SEND_START: 7_681_578,
      HTTP_SEND_END: 7_712_991,
    }
    expect(await textOf(v2File([{ id: 1, model: 'simple', version: 1, stamps }], 2_356_425_050_000_000n))).toBe(
      withTabs(`File: trace.json
Summary for simple (1): trace count = 1
HTTP infer request (avg): 3125.547us
→Receive (avg): 44.864us
→Send (avg): 31.413us
→Overhead (avg): 191.969us

→Handler (avg): 2857.301us
→→Overhead (avg): 107.829us
→→Queue (avg): 95.681us
→→Compute (avg): 2653.791us
→→→Input (avg): 2265.71us
→→→Infer (avg): 344.855us
→→→Output (avg): 43.226us
`),
    )
  })
  it('is exact where ns are beyond 2^53', async () => {
    const stamps = {
      HTTP_RECV_START: 17_125_842_648_608_115n,
      HTTP_RECV_END: 17_125_842_648_608_115n,
      REQUEST_START: 17_125_842_648_608_115n,
      REQUEST_END: 17_125_844_332_704_508n,
      HTTP_SEND_START: 17_125_844_332_704_508n,
      HTTP_SEND_END: 17_125_844_332_704_508n,
    }
    expect(await textOf(v2File([{ id: 1, model: 'm', version: 1, stamps }], 0n))).toContain(
      'Handler (avg): 1684096.393us',
    )
  })
})

describe('where traces lack something', () => {
  const FRONT_END = { HTTP_RECV_START: 0, HTTP_RECV_END: 1000, HTTP_SEND_START: 11_000, HTTP_SEND_END: 12_000 }
  const HANDLER = { REQUEST_START: 2000, REQUEST_END: 10_000 }
  const COMPUTE = core(2000, 3000, 6000, 7000, 10_000, 11_000, 12_000)
  const trace = (id: number, stamps: Offsets): SampleTrace => ({ id, model: 'm', version: 1, stamps })
  const without = (stamps: Offsets, name: string): Offsets =>
    Object.fromEntries(Object.entries(stamps).filter(([key]) => key !== name))
  const whole = { ...FRONT_END, ...HANDLER }

  it('one without an end of its handler is not counted', async () => {
    const text = await textOf(v2File([trace(1, whole), trace(2, without(whole, 'REQUEST_END'))]))
    expect(text).toBe(await textOf(v2File([trace(1, whole)])))
  })
  it('one without an end of its answer counts as an answer that took no time', async () => {
    const text = await textOf(v2File([trace(1, whole), trace(2, without(whole, 'HTTP_SEND_END'))]))
    expect(text).toContain('HTTP infer request (avg): 6.0us')
    expect(text).toContain('\tOverhead (avg): -3.0us')
  })
  it('an answer from a cache counts as one that was computed in no time', async () => {
    const text = await textOf(v2File([trace(1, { ...FRONT_END, ...COMPUTE }), trace(2, whole)]))
    expect(text).toContain(withTabs('→→Overhead (avg): 5.0us\n→→Queue (avg): 1.5us\n→→Compute (avg): 2.5us\n'))
  })
  it.each<[string, Offsets, RegExp]>([
    ['HTTP_RECV_END is missing', without(whole, 'HTTP_RECV_END'), /ValueError: trace 2 has no HTTP_RECV_END/],
    [
      'COMPUTE_END is missing',
      without({ ...FRONT_END, ...COMPUTE }, 'COMPUTE_END'),
      /ValueError: trace 2 has no COMPUTE_END/,
    ],
    [
      'an end is before its start',
      { ...whole, REQUEST_END: 1500 },
      /ValueError: in trace 2, REQUEST_END is before REQUEST_START/,
    ],
  ])('the original ends where %s, and so do we', async (_, stamps, message) => {
    await expect(textOf(v2File([trace(1, whole), trace(2, stamps)]))).rejects.toThrow(message)
  })
  it('the original ends where the model is missing', async () => {
    const file = v2File([trace(1, whole), { id: 2, stamps: whole }])
    await expect(textOf(file)).rejects.toThrow(/KeyError: trace 2 has no model_name/)
  })
  it('a child of none is in no model, and makes an empty frame', async () => {
    const child = { ...trace(2, HANDLER), parent: 1 }
    const rule = '='.repeat(58)
    expect(await textOf(v2File([child]))).toBe(
      `File: trace.json\nData Flow:\n\t${rule}\n\t${rule}\n\t\t${'='.repeat(50)}\n\t\t${'='.repeat(50)}\n`,
    )
  })
  it('a request of the process itself is not shown', async () => {
    expect(await textOf(v2File([trace(1, HANDLER)]))).toBe('File: trace.json\n')
  })
})

describe('tensors', () => {
  const whole = {
    HTTP_RECV_START: 0,
    HTTP_RECV_END: 1,
    REQUEST_START: 2,
    REQUEST_END: 3,
    HTTP_SEND_START: 4,
    HTTP_SEND_END: 5,
  }
  const file = (dtype: string, shape: string, data: string) => {
    const tensor = { id: 7, activity: 'TENSOR_QUEUE_INPUT', tensor: { name: 'x', data, shape, dtype } }
    return `${v2File([{ id: 7, model: 'm', version: 1, stamps: whole }]).slice(0, -1)},${JSON.stringify(tensor)}]`
  }
  const flowOf = async (...args: Parameters<typeof file>) => {
    const [, flow = ''] = (await textOf(file(...args))).split('QUEUE_INPUT:\n\t\tx: ')
    return flow.slice(0, flow.indexOf(`\n\t${'='.repeat(50)}\n`))
  }

  it('are those of the first request where none led to another', async () => {
    expect(await textOf(file('INT32', '3', '1,-20,3'))).toContain(
      `Data Flow:\n\t${'='.repeat(50)}\n\tName:   m\n\tVersion:1\n\tQUEUE_INPUT:\n\t\tx: [  1 -20   3]\n\t${'='.repeat(50)}\n`,
    )
  })
  // Printed by numpy 2.2.
  it.each([
    ['BOOL', '2', '1,0', '[ True False]'],
    ['INT64', '2,2', '1,2,3,-4', '[[ 1  2]\n [ 3 -4]]'],
    ['FP32', '1,3', '0.705676,0.830855,0.833153', '[[0.705676 0.830855 0.833153]]'],
    ['FP32', '4', '1,2.5,0.125,-3', '[ 1.     2.5    0.125 -3.   ]'],
    ['FP32', '2', '1e-05,1234.5678', '[9.9999997e-06 1.2345677e+03]'],
    ['FP64', '2', '1e-05,1234.56789', '[1.00000000e-05 1.23456789e+03]'],
    ['FP64', '2', '0.001953125,1', '[0.00195312 1.        ]'],
    ['FP64', '3', '1e-05,123456789.123456789,-3', '[ 1.00000000e-05  1.23456789e+08 -3.00000000e+00]'],
    ['FP64', '2', '1e100,1', '[1.e+100 1.e+000]'],
    ['FP32', '3', 'nan,1,inf', '[nan  1. inf]'],
    ['FP64', '2', '0,-0.0', '[ 0. -0.]'],
    ['BYTES', '2', '1,2.5', '[1.0 2.5]'],
    ['INT32', '2,1,2', '1,2,3,4', '[[[1 2]]\n\n [[3 4]]]'],
    [
      'INT32',
      '30',
      Array.from({ length: 30 }, (_, at) => at * 7).join(),
      '[  0   7  14  21  28  35  42  49  56  63  70  77  84  91  98 105 112 119\n 126 133 140 147 154 161 168 175 182 189 196 203]',
    ],
    ['INT32', '1001', Array.from({ length: 1001 }, (_, at) => at).join(), '[   0    1    2 ...  998  999 1000]'],
    [
      'INT32',
      '10,110',
      Array.from({ length: 1100 }, (_, at) => at).join(),
      '[[   0    1    2 ...  107  108  109]\n [ 110  111  112 ...  217  218  219]\n [ 220  221  222 ...  327  328  329]\n ...\n' +
        ' [ 770  771  772 ...  877  878  879]\n [ 880  881  882 ...  987  988  989]\n [ 990  991  992 ... 1097 1098 1099]]',
    ],
  ])('%s[%s] %s are as numpy prints them', async (dtype, shape, data, expected) => {
    expect(await flowOf(dtype, shape, data)).toBe(expected)
  })
  it.each([
    ['FP16', '1', '', /could not convert string to float/],
    ['BF16', '1', '', /KeyError: 'BF16'/],
    ['BYTES', '1', '"text"', /could not convert string to float/],
    ['INT32', '3', '1,2', /cannot reshape/],
    ['INT32', '', '1', /invalid literal for int/],
    ['INT32', '1', 'nan', /cannot convert float/],
  ])('the original ends at %s[%s] %s, and so do we', async (dtype, shape, data, message) => {
    await expect(textOf(file(dtype, shape, data))).rejects.toThrow(message)
  })
})

describe('numbers', () => {
  it.each([
    [0, '0.0'],
    [-0, '-0.0'],
    [7772, '7772.0'],
    [0.0001, '0.0001'],
    [0.000_01, '1e-05'],
    [1.5e-7, '1.5e-07'],
    [1e15, '1000000000000000.0'],
    [1e16, '1e+16'],
    [-1.25e22, '-1.25e+22'],
    [1e100, '1e+100'],
    [-43.333_333_333_333_336, '-43.333333333333336'],
  ])('%d is as Python prints it', (value, text) => {
    expect(pythonFloat(value)).toBe(text)
  })
  // From Python: the double that is next to the quotient, not to that of two doubles.
  it.each([
    [9_007_199_254_740_993n, 1000n, 9_007_199_254_740.992],
    [530_546_113_492_404_196_731n, 495_186_000n, 1_071_407_740_712.3872],
    [-(10n ** 30n) - 1n, 7n, -1.428_571_428_571_428_5e29],
  ])('%d / %d is rounded once', (numerator, denominator, quotient) => {
    expect(pythonDivide(numerator, denominator)).toBe(quotient)
  })
})
