import { arch, availableParallelism, cpus, loadavg, platform, totalmem } from 'node:os'

import { VERSION } from '../version.js'

/** Where a benchmark ran. */
export interface BenchEnvironment {
  node: string
  v8: string
  opscope: string
  platform: string
  arch: string
  cpu: string
  cores: number
  memoryBytes: number
  /** Processes that wanted to run in the minute before the benchmark began, on average; 0 where the system does not say. */
  load: number
  /** When it began, ISO 8601. */
  at: string
}

export function currentEnvironment(): BenchEnvironment {
  return {
    node: process.versions.node,
    v8: process.versions.v8,
    opscope: VERSION,
    platform: platform(),
    arch: arch(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    load: loadavg()[0] ?? 0,
    at: new Date().toISOString(),
  }
}

/** What makes two environments so unlike that times of one say nothing about the other. */
export function unlikeness(before: BenchEnvironment, after: BenchEnvironment): string[] {
  return differences(before, after, ['arch', 'cpu', 'platform'])
}

/** What may explain a difference between two runs before the code does. */
export function doubts(before: BenchEnvironment, after: BenchEnvironment): string[] {
  const found = differences(before, after, ['node', 'opscope', 'cores', 'memoryBytes'])
  for (const [name, { load, cores }] of Object.entries({ before, after })) {
    if (load > cores / 2) found.push(`the machine was busy ${name}: load ${load.toFixed(1)} on ${cores} cores`)
  }
  return found
}

function differences(
  before: BenchEnvironment,
  after: BenchEnvironment,
  keys: readonly (keyof BenchEnvironment)[],
): string[] {
  return keys.filter(key => before[key] !== after[key]).map(key => `${key}: ${before[key]}, then ${after[key]}`)
}
