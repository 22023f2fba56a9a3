import { describe, expect, it } from 'vitest'

import { FAKES, fakeGpu, fakeMachine } from './fake-gpu.js'

describe('the script builder', () => {
  it('writes a line per op, with from and to as start and duration', () => {
    const script = fakeGpu()
      .graphLaunch({ correlation: 9, at: 100 })
      .kernel('gemm', { correlation: 9, from: 120, to: 150 })
      .kernel('relu', { correlation: 9, from: 150, to: 154, stream: 13, grid: [8, 4] })
    expect(String(script)).toBe(
      'graphlaunch at=+100 corr=9\n' +
        'kernel gemm at=+120 dur=30 corr=9\n' +
        'kernel relu at=+150 dur=4 stream=13 corr=9 grid=8,4\n',
    )
  })

  it('gives launches and copies the call that causes them', () => {
    const script = fakeGpu()
      .launch('gemm', { correlation: 3, dur: 40 })
      .copy('htod', { bytes: 4096, memory: ['pinned', 'device'], async: true })
    expect(String(script)).toBe(
      'api cudaLaunchKernel corr=3\n' +
        'kernel gemm dur=40 corr=3\n' +
        'api cudaMemcpyAsync\n' +
        'memcpy htod pinned device bytes=4096 async\n',
    )
  })

  it('quotes names that the language would split', () => {
    expect(String(fakeGpu().kernel('void f<"a", b>(int\\)'))).toBe('kernel "void f<\\"a\\", b>(int\\\\)"\n')
    expect(String(fakeGpu().kernel(''))).toBe('kernel ""\n')
    expect(String(fakeGpu().kernel('running'))).toBe('kernel "running"\n')
    expect(String(fakeGpu().marker('key=value'))).toBe('marker "key=value"\n')
  })

  it('does not change the script it continues', () => {
    const start = fakeGpu().thread(1)
    start.kernel('a')
    expect(String(start.kernel('b', { odd: 'running' }))).toBe('thread 1\nkernel b running\n')
  })
})

describe('the environment of a fake machine', () => {
  it('names the libraries and only what differs from the usual', () => {
    expect(fakeMachine()).toEqual({
      OPSCOPE_CUPTI_PATH: `${FAKES}/cupti-13`,
      OPSCOPE_CUDA_PATH: `${FAKES}/cuda/libcuda.so.1`,
    })
    expect(fakeMachine({ cupti: 'cupti-12', release: '12.9', errors: ['cuInit=100', 'no-device'] })).toEqual({
      OPSCOPE_CUPTI_PATH: `${FAKES}/cupti-12`,
      OPSCOPE_CUDA_PATH: `${FAKES}/cuda/libcuda.so.1`,
      FAKECUPTI_PERSONALITY: '12.9',
      FAKECUPTI_ERRORS: 'cuInit=100,no-device',
    })
  })
})
