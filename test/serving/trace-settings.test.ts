import { describe, expect, it, onTestFinished } from 'vitest'

import { OpscopeError } from '../../src/errors.js'
import {
  type ParentDecision,
  TraceSettingError,
  TraceSettings,
  type TraceSettingsStart,
} from '../../src/serving/trace-settings.js'

const FILE = { level: 'TIMESTAMPS', file: 'trace.json' }
const OTEL = { level: 'TIMESTAMPS', mode: 'opentelemetry' } as const

/** Which of so many requests are traced, from 1. */
function traced(settings: TraceSettings, count: number, model?: string, parent?: ParentDecision): number[] {
  const numbers = Array.from({ length: count }, (_, i) => i + 1)
  return numbers.filter(() => settings.sample(model, parent) !== undefined)
}
function failure(run: () => unknown): OpscopeError & { status?: number } {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(OpscopeError)
    return error as OpscopeError
  }
  throw new Error('did not fail')
}
/** Status and message with which the change is refused, after which all is as it was. */
function refusal(settings: TraceSettings, body: unknown, model?: string): string {
  const before = settings.describe()
  const error = failure(() => settings.update(body, model))
  expect(error).toBeInstanceOf(TraceSettingError)
  expect(settings.describe()).toEqual(before)
  return `${error.status} ${error.message}`
}
/** Settings that know the models. */
function settingsFor(start: TraceSettingsStart, ...models: string[]): TraceSettings {
  const settings = new TraceSettings(start)
  for (const model of models) settings.knowModel(model)
  return settings
}

describe('the rate', () => {
  it.each([
    [6, [6, 12, 18]],
    [9, [9, 18]],
    [1, Array.from({ length: 20 }, (_, i) => i + 1)],
    [21, []],
  ])('%i traces of 20 requests those whose number it divides', (rate, numbers) => {
    expect(traced(new TraceSettings({ ...FILE, rate }), 20)).toEqual(numbers)
  })

  it('is 1000 where none is given', () => {
    expect(traced(new TraceSettings(FILE), 2500)).toEqual([1000, 2000])
  })

  it('counts all models together, whatever asks, while none has settings of its own', () => {
    const settings = new TraceSettings({ ...FILE, rate: 6 })
    const names = Array.from({ length: 20 }, (_, i) => ['a', 'b', undefined][i % 3])
    expect(names.filter(name => settings.sample(name) !== undefined)).toHaveLength(3)
  })

  it('of 0 traces nothing by itself', () => {
    const settings = new TraceSettings({ ...FILE, rate: 0 })
    expect(settings.isOn).toBe(false)
    expect(traced(settings, 3000)).toEqual([])
  })

  it('of 0 at the start survives changes of others, and can be had back', () => {
    const settings = new TraceSettings({ ...OTEL, rate: 0 })
    settings.update({ trace_count: '5' })
    expect(settings.describe().trace_rate).toBe('0')
    settings.update({ trace_rate: '2' })
    expect(settings.update({ trace_rate: null }).trace_rate).toBe('0')
  })
})

describe('the count', () => {
  it('ends tracing when it is used up, and is told as what remains', () => {
    const settings = new TraceSettings({ ...FILE, rate: 2, count: 2 })
    expect(traced(settings, 2)).toEqual([2])
    expect(settings.describe().trace_count).toBe('1')
    expect(settings.isOn).toBe(true)
    expect(traced(settings, 10)).toEqual([2])
    expect(settings.describe().trace_count).toBe('0')
    expect(settings.isOn).toBe(false)
  })

  it('of a request that is sampled elsewhere is not used up, save where the rate hits', () => {
    const settings = new TraceSettings({ ...OTEL, rate: 5, count: 3 })
    expect(traced(settings, 10, undefined, 'sampled')).toHaveLength(10)
    expect(settings.describe().trace_count).toBe('1')
  })

  it('starts anew with a change when it is that of the start, and goes on when it was set since', () => {
    const settings = new TraceSettings({ ...FILE, rate: 1, count: 3 })
    traced(settings, 2)
    expect(settings.describe().trace_count).toBe('1')
    expect(settings.update({}).trace_count).toBe('3')
    settings.update({ trace_count: '5' })
    traced(settings, 2)
    expect(settings.update({ trace_rate: '1' }).trace_count).toBe('3')
    expect(settings.update({ trace_count: null }).trace_count).toBe('3')
    traced(settings, 1)
    expect(settings.describe().trace_count).toBe('2')
  })

  it('that is used up lets other settings change', () => {
    const settings = new TraceSettings({ ...FILE, rate: 1 })
    settings.update({ trace_count: 1 })
    expect(traced(settings, 3)).toEqual([1])
    expect(settings.update({ trace_rate: '1' }).trace_count).toBe('0')
    expect(settings.isOn).toBe(false)
    expect(refusal(settings, { trace_level: 'TIMESTAMPS' })).toBe(
      '400 Nothing would be traced: the count is 0: set it, or -1 for no limit.',
    )
    expect(traced(settings, 3)).toEqual([])
    settings.update({ trace_count: -1 })
    expect(traced(settings, 3)).toEqual([1, 2, 3])
  })

  it('of 0 is refused with a reason while tracing is on, and taken while it is off', () => {
    const settings = new TraceSettings(FILE)
    expect(refusal(settings, { trace_count: '0' })).toMatch(/^400 .*the count is 0/)
    expect(settings.update({ trace_count: '0', trace_level: 'OFF' }).trace_count).toBe('0')
  })
})

describe('a trace context', () => {
  it('that is sampled has its request traced whatever rate and count say', () => {
    const settings = new TraceSettings({ ...OTEL, rate: 1000, count: 1 })
    expect(traced(settings, 3, undefined, 'sampled')).toEqual([1, 2, 3])
    settings.update({ trace_rate: '1' })
    expect(traced(settings, 3)).toEqual([1])
    expect(settings.isOn).toBe(true)
    expect(traced(settings, 3, undefined, 'sampled')).toEqual([1, 2, 3])
  })

  it('that is sampled has its request traced at a rate of 0, and no other request', () => {
    const settings = new TraceSettings({ ...OTEL, rate: 0 })
    expect(settings.isOn).toBe(true)
    expect(traced(settings, 1000)).toEqual([])
    expect(traced(settings, 2, undefined, 'sampled')).toEqual([1, 2])
  })

  it('has no say while tracing is off', () => {
    const settings = new TraceSettings({ mode: 'opentelemetry' })
    expect(settings.isOn).toBe(false)
    expect(settings.sample(undefined, 'sampled')).toBeUndefined()
  })

  it('has no say over a file', () => {
    expect(traced(new TraceSettings({ ...FILE, rate: 2 }), 4, undefined, 'sampled')).toEqual([2, 4])
    expect(traced(new TraceSettings({ ...FILE, rate: 2 }), 4, undefined, 'unsampled')).toEqual([2, 4])
  })

  it('that is not sampled gets no span, counts as a request and uses up no count', () => {
    const settings = new TraceSettings({ ...OTEL, rate: 2, count: 9 })
    expect(traced(settings, 3, undefined, 'unsampled')).toEqual([])
    expect(traced(settings, 1)).toEqual([1])
    expect(settings.describe().trace_count).toBe('8')
  })

  it('that is not sampled leaves the file its traces by rate', () => {
    const settings = new TraceSettings({ ...FILE, rate: 2, mode: ['triton', 'opentelemetry'] })
    expect(settings.sample(undefined, 'unsampled')).toBeUndefined()
    expect(settings.sample(undefined, 'unsampled')?.modes).toEqual(['triton'])
    expect(settings.sample(undefined, 'sampled')?.modes).toEqual(['triton', 'opentelemetry'])
  })
})

describe('a change', () => {
  it('restarts the counter', () => {
    const settings = new TraceSettings({ ...FILE, rate: 3 })
    expect(traced(settings, 2)).toEqual([])
    settings.update({})
    expect(traced(settings, 3)).toEqual([3])
  })

  it('leaves a running request what it is traced with', () => {
    const settings = new TraceSettings({ ...FILE, rate: 1, logFrequency: 7 })
    const setting = settings.sample('m')
    settings.update({ trace_level: ['TIMESTAMPS', 'TENSORS'], log_frequency: '9' })
    expect(setting).toEqual({
      timestamps: true,
      tensors: false,
      logFrequency: 7,
      file: 'trace.json',
      modes: ['triton'],
    })
    expect(Object.isFrozen(setting)).toBe(true)
    expect(settings.sample('m')).toMatchObject({ tensors: true, logFrequency: 9 })
  })

  it('answers with the full state, its numbers as text', () => {
    const settings = new TraceSettings({ file: 't.json' })
    const state = settings.update({ trace_level: ['TIMESTAMPS', 'TENSORS'], trace_rate: '1' })
    expect(JSON.stringify(state)).toBe(
      '{"trace_level":["TIMESTAMPS","TENSORS"],"trace_rate":"1","trace_count":"-1","log_frequency":"0",' +
        '"trace_file":"t.json","trace_mode":"triton"}',
    )
    expect(settings.update({ trace_level: ['OFF'] })).toEqual({ ...state, trace_level: ['OFF'] })
    expect(settings.describe()).toEqual(settings.update({}))
  })

  it('gives back the values of the start for null', () => {
    const settings = new TraceSettings({ ...FILE, rate: 7, count: 3, logFrequency: 2 })
    const before = settings.describe()
    settings.update({ trace_level: 'OFF', trace_rate: '1', trace_count: '1', log_frequency: '1' })
    expect(settings.describe()).not.toEqual(before)
    expect(settings.update({ trace_level: null, trace_rate: null, trace_count: null, log_frequency: null })).toEqual(
      before,
    )
  })

  it('takes numbers as text and as numbers, up to the width they have in Triton', () => {
    const settings = new TraceSettings(FILE)
    expect(
      settings.update({ trace_rate: 4294967295, trace_count: 2147483647, log_frequency: 4294967295 }),
    ).toMatchObject({ trace_rate: '4294967295', trace_count: '2147483647', log_frequency: '4294967295' })
    expect(settings.update({ trace_rate: '1', trace_count: '-1', log_frequency: '0' })).toMatchObject({
      trace_rate: '1',
      trace_count: '-1',
      log_frequency: '0',
    })
  })

  it('is told to who listens, until they stop', () => {
    const settings = new TraceSettings(FILE)
    const rates: string[] = []
    const stop = settings.onChange(() => rates.push(settings.describe().trace_rate))
    settings.update({ trace_rate: '3' })
    failure(() => settings.update({ trace_rate: '0' }))
    stop()
    settings.update({ trace_rate: '4' })
    expect(rates).toEqual(['3'])
  })

  it('is done although who listens throws, which is a warning', async () => {
    const settings = new TraceSettings(FILE)
    const warned = new Promise<Error>(resolve => process.once('warning', resolve))
    onTestFinished(
      settings.onChange(() => {
        throw new Error('listener')
      }),
    )
    expect(settings.update({ trace_rate: '3' }).trace_rate).toBe('3')
    expect((await warned).message).toBe('listener')
  })

  it('turns tracing on and off', () => {
    const settings = new TraceSettings({ file: 't.json', rate: 1 })
    expect(settings.isOn).toBe(false)
    expect(settings.sample('m')).toBeUndefined()
    settings.update({ trace_level: 'TIMESTAMPS' })
    expect(settings.isOn).toBe(true)
    expect(settings.sample('m')).toBeDefined()
    settings.update({ trace_level: 'OFF' })
    expect(settings.isOn).toBe(false)
    expect(settings.sample('m')).toBeUndefined()
  })
})

describe('a model', () => {
  it('with a setting of its own has its own counter, and takes the rest from all models', () => {
    const settings = settingsFor({ ...FILE, rate: 3, logFrequency: 5 }, 'a')
    expect(settings.hasModelSettings).toBe(false)
    const state = settings.update({ trace_rate: '2' }, 'a')
    expect(state).toMatchObject({ trace_rate: '2', log_frequency: '5', trace_level: ['TIMESTAMPS'] })
    expect(settings.hasModelSettings).toBe(true)
    expect(traced(settings, 4, 'a')).toEqual([2, 4])
    expect(traced(settings, 3, 'b')).toEqual([3])
    expect(settings.describe().trace_rate).toBe('3')
  })

  it('may be traced alone', () => {
    const settings = settingsFor({ file: 't.json', rate: 1 }, 'a', 'b')
    settings.update({ trace_level: 'TIMESTAMPS' }, 'a')
    expect(settings.isOn).toBe(true)
    expect(settings.sample('b')).toBeUndefined()
    expect(settings.sample(undefined)).toBeUndefined()
    expect(settings.sample('a')).toBeDefined()
    expect(settings.describe('b').trace_level).toEqual(['OFF'])
  })

  it('is as all models again when its last own value is cleared', () => {
    const settings = settingsFor({ ...FILE, rate: 4 }, 'a')
    settings.update({ trace_rate: '2', trace_count: '1' }, 'a')
    settings.update({ trace_rate: null }, 'a')
    expect(settings.describe('a')).toMatchObject({ trace_rate: '4', trace_count: '1' })
    settings.update({ trace_count: null }, 'a')
    expect(settings.hasModelSettings).toBe(false)
    settings.sample('b')
    expect(traced(settings, 3, 'a')).toEqual([3])
  })

  it('is not given a counter by a request that changes nothing of it', () => {
    const settings = settingsFor({ ...FILE, rate: 2 }, 'a')
    settings.update({}, 'a')
    expect(settings.hasModelSettings).toBe(false)
  })

  it('follows a change of all models in what it has not of its own, and restarts its counter', () => {
    const settings = settingsFor({ ...FILE, rate: 3 }, 'a')
    settings.update({ trace_rate: '2', trace_count: '5' }, 'a')
    expect(traced(settings, 3, 'a')).toEqual([2])
    settings.update({ log_frequency: '8', trace_rate: '100' })
    expect(settings.describe('a')).toMatchObject({ log_frequency: '8', trace_rate: '2', trace_count: '4' })
    expect(traced(settings, 2, 'a')).toEqual([2])
  })

  it('with all settings of its own is left alone by a change of all models', () => {
    const settings = settingsFor({ ...FILE, rate: 3 }, 'a')
    settings.update({ trace_level: 'MAX', trace_rate: '2', trace_count: '5', log_frequency: '1' }, 'a')
    settings.sample('a')
    settings.update({ trace_rate: '7' })
    expect(traced(settings, 1, 'a')).toEqual([1])
  })

  it('leaves the counter of all models alone', () => {
    const settings = settingsFor({ ...FILE, rate: 2 }, 'a')
    settings.sample('b')
    settings.update({ trace_rate: '5' }, 'a')
    expect(traced(settings, 1, 'b')).toEqual([1])
  })

  it('may have settings from the start', () => {
    const settings = new TraceSettings({
      ...FILE,
      rate: 3,
      models: { a: { rate: 1, count: 2 }, b: { level: 'OFF' }, c: {} },
    })
    expect(traced(settings, 5, 'a')).toEqual([1, 2])
    expect(traced(settings, 5, 'b')).toEqual([])
    expect(traced(settings, 6, 'c')).toEqual([3, 6])
    expect(settings.describe('b').trace_level).toEqual(['OFF'])
    expect(settings.update({ trace_level: null }, 'b').trace_level).toEqual(['TIMESTAMPS'])
  })

  it('without a setting of its own is but known from the start', () => {
    const settings = new TraceSettings({ ...FILE, models: { a: {} } })
    expect(settings.hasModelSettings).toBe(false)
    expect(settings.describe('a')).toEqual(settings.describe())
  })

  it('is unknown until it is served, and then has the settings of all', () => {
    const settings = new TraceSettings(FILE)
    expect(refusal(settings, { trace_rate: '1' }, 'a')).toBe('400 No request for model "a" has been seen.')
    expect(failure(() => settings.describe('a'))).toMatchObject({ status: 400 })
    settings.knowModel('a')
    expect(settings.describe('a')).toEqual(settings.describe())
  })

  it('is not remembered after 4096 others, so that made-up names fill no memory', () => {
    const settings = new TraceSettings(FILE)
    for (let i = 0; i < 5000; i++) settings.knowModel(`m${i}`)
    expect(settings.describe('m4095')).toEqual(settings.describe())
    expect(refusal(settings, {}, 'm4096')).toMatch(/^400 /)
  })
})

describe('a level', () => {
  it.each([
    ['OFF', ['OFF']],
    ['false', ['OFF']],
    [['off', 'FALSE'], ['OFF']],
    ['MIN', ['TIMESTAMPS']],
    ['max', ['TIMESTAMPS']],
    ['true', ['TIMESTAMPS']],
    ['On', ['TIMESTAMPS']],
    ['timestamps', ['TIMESTAMPS']],
    ['TENSORS', ['TENSORS']],
    [
      ['TENSORS', 'MIN'],
      ['TIMESTAMPS', 'TENSORS'],
    ],
    ['TIMESTAMPS | tensors', ['TIMESTAMPS', 'TENSORS']],
    [['MIN|MAX', 'TIMESTAMPS'], ['TIMESTAMPS']],
  ])('%j is %j, at the start and later', (level, words) => {
    expect(new TraceSettings({ file: 't.json', level }).describe().trace_level).toEqual(words)
    expect(new TraceSettings({ file: 't.json' }).update({ trace_level: level }).trace_level).toEqual(words)
  })

  it.each([
    [['OFF', 'TIMESTAMPS'], /OFF to be alone/],
    ['TENSORS|off', /OFF to be alone/],
    ['TIMESTAMP', /Unknown level "TIMESTAMP" .* Did you mean "TIMESTAMPS"\?/],
    ['', /Unknown level ""/],
    [[], /to have a level, got none/],
    [1, /made of words, got number/],
    [['MIN', null], /made of words, got null/],
    [{ TIMESTAMPS: true }, /made of words, got object/],
    ['x'.repeat(10_000), /^400 .{0,200}$/],
  ])('%j is none', (level, message) => {
    expect(refusal(new TraceSettings(FILE), { trace_level: level })).toMatch(message)
    expect(() => new TraceSettings({ level } as never)).toThrow(OpscopeError)
  })
})

describe('what is refused', () => {
  it.each([
    ['trace_rate', '0', /"trace_rate" to be a whole number from 1 to 4294967295, got 0/],
    ['trace_rate', 0, /got 0/],
    ['trace_rate', '-1', /got -1/],
    ['trace_rate', '4294967296', /got 4294967296/],
    ['trace_rate', 'often', /got "often"/],
    ['trace_rate', '1.5', /got "1.5"/],
    ['trace_rate', 1.5, /got 1.5/],
    ['trace_rate', '', /got ""/],
    ['trace_rate', ' 1', /got " 1"/],
    ['trace_rate', '0x10', /got "0x10"/],
    ['trace_rate', '1e3', /got "1e3"/],
    ['trace_rate', true, /got true/],
    ['trace_rate', ['1', '2'], /got an array/],
    ['trace_rate', { a: 1 }, /got an object/],
    ['trace_rate', '9'.repeat(10_000), /^400 .{0,200}$/],
    ['trace_count', '-2', /from -1 to 2147483647, got -2/],
    ['trace_count', '2147483648', /got 2147483648/],
    ['log_frequency', '-1', /from 0 to 4294967295, got -1/],
    ['log_frequency', Number.NaN, /got NaN/],
    ['trace_rat', '1', /Unknown setting "trace_rat". Did you mean "trace_rate"\?/],
    ['constructor', {}, /Unknown setting "constructor"/],
    ['level', 'OFF', /Unknown setting "level"/],
  ])('%s: %j', (name, value, message) => {
    expect(refusal(new TraceSettings(FILE), { [name]: value })).toMatch(message)
  })

  it.each([[null], [[]], ['{}'], [1], [undefined]])('%j instead of an object', body => {
    expect(refusal(new TraceSettings(FILE), body)).toMatch(/^400 Expected an object of settings, got/)
  })

  it('names that reach for the prototype, which stays as it is', () => {
    const body: unknown = JSON.parse('{"__proto__":{"trace_rate":"1"},"trace_rate":"5"}')
    expect(refusal(new TraceSettings(FILE), body)).toBe(
      '400 Unknown setting "__proto__". Known: trace_level, trace_rate, trace_count, log_frequency.',
    )
    expect(({} as { trace_rate?: string }).trace_rate).toBeUndefined()
  })

  it('a request as a whole, where one part of it is wrong', () => {
    expect(refusal(new TraceSettings(FILE), { trace_rate: '5', trace_count: 'x' })).toMatch(/^400 /)
  })

  it.each(['trace_file', 'trace_mode', 'url', 'resource', 'bsp_max_queue_size'])(
    '%s from the network, whatever the value and whatever is beside it',
    name => {
      const settings = settingsFor({ ...FILE }, 'a')
      for (const value of ['/etc/passwd', '', null, settings.describe().trace_file, 5, {}]) {
        const message = `501 "${name}" is set when the process starts, and never from the network.`
        expect(refusal(settings, { trace_rate: '7', [name]: value })).toBe(message)
        expect(refusal(settings, { nonsense: '7', [name]: value }, 'a')).toBe(message)
      }
    },
  )

  it('a level without a file for it', () => {
    const message = '400 Nothing would be traced: there is no trace file: one is named at the start.'
    expect(refusal(new TraceSettings({}), { trace_level: ['TIMESTAMPS'] })).toBe(message)
    expect(refusal(settingsFor({}, 'a'), { trace_level: ['TIMESTAMPS'] }, 'a')).toBe(message)
    expect(new TraceSettings({}).update({ trace_rate: '5' }).trace_file).toBe('')
  })

  it('tensors for OpenTelemetry alone', () => {
    expect(refusal(new TraceSettings({ mode: 'opentelemetry' }), { trace_level: 'TENSORS' })).toMatch(
      /OpenTelemetry gets no tensors/,
    )
  })
})

describe('the mode', () => {
  it('OpenTelemetry has no file to tell of, and may be changed live', () => {
    const settings = new TraceSettings({ ...OTEL, rate: 4 })
    const state = { trace_level: ['TIMESTAMPS'], trace_rate: '4', trace_count: '-1', trace_mode: 'opentelemetry' }
    expect(settings.describe()).toEqual(state)
    expect(settings.update({ trace_rate: '2' })).toEqual({ ...state, trace_rate: '2' })
  })

  it('may be both', () => {
    const settings = new TraceSettings({ ...FILE, rate: 1, mode: ['triton', 'opentelemetry', 'triton'] })
    expect(settings.describe()).toMatchObject({ trace_mode: 'triton,opentelemetry', trace_file: 'trace.json' })
    expect(settings.sample('m')?.modes).toEqual(['triton', 'opentelemetry'])
  })
})

describe('a start', () => {
  it('is off without any setting', () => {
    expect(new TraceSettings().describe()).toEqual({
      trace_level: ['OFF'],
      trace_rate: '1000',
      trace_count: '-1',
      log_frequency: '0',
      trace_file: '',
      trace_mode: 'triton',
    })
  })

  it.each([
    [{ levels: 'MIN' }, 'ERR_OPSCOPE_OPTION_UNKNOWN', /Did you mean "level"/],
    [{ models: { a: { file: 'x' } } }, 'ERR_OPSCOPE_OPTION_UNKNOWN', /"file"/],
    [{ models: 5 }, 'ERR_OPSCOPE_OPTION_VALUE', /"models" to be an object/],
    [{ models: { a: null } }, 'ERR_OPSCOPE_OPTION_VALUE', /to be an object/],
    [{ models: { a: { rate: -1 } } }, 'ERR_OPSCOPE_OPTION_VALUE', /"rate" to be a whole number/],
    [{ rate: '100' }, 'ERR_OPSCOPE_OPTION_VALUE', /"rate" to be a whole number from 0/],
    [{ rate: -1 }, 'ERR_OPSCOPE_OPTION_VALUE', /got -1/],
    [{ count: -2 }, 'ERR_OPSCOPE_OPTION_VALUE', /from -1/],
    [{ logFrequency: 0.5 }, 'ERR_OPSCOPE_OPTION_VALUE', /got 0.5/],
    [{ file: '' }, 'ERR_OPSCOPE_OPTION_VALUE', /"file" to be a path/],
    [{ file: 5 }, 'ERR_OPSCOPE_OPTION_VALUE', /got 5/],
    [{ mode: 'otel' }, 'ERR_OPSCOPE_OPTION_VALUE', /"mode" to be made of triton and opentelemetry/],
    [{ mode: [] }, 'ERR_OPSCOPE_OPTION_VALUE', /"mode"/],
    [{ mode: null }, 'ERR_OPSCOPE_OPTION_VALUE', /got null/],
    [{ level: 'MIN' }, 'ERR_OPSCOPE_OPTION_VALUE', /Tracing is on, but there is no trace file/],
    [{ level: 'MIN', mode: ['triton', 'opentelemetry'] }, 'ERR_OPSCOPE_OPTION_VALUE', /no trace file/],
    [{ models: { a: { level: 'MIN' } } }, 'ERR_OPSCOPE_OPTION_VALUE', /on for model "a", but there is no trace file/],
    [{ level: 'TENSORS', mode: 'opentelemetry' }, 'ERR_OPSCOPE_OPTION_VALUE', /no tensors/],
    [{ level: 'MIN', file: 'f', count: 0 }, 'ERR_OPSCOPE_OPTION_VALUE', /the count is 0/],
    [null, 'ERR_OPSCOPE_OPTION_VALUE', /to be an object/],
  ])('%j is refused', (start, code, message) => {
    const error = failure(() => new TraceSettings(start as never))
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
  })
})
