import { type CaseBody, type CaseDefinition, type NamedCase, namedCases } from './cases.js'

// Of the process, not of this module: a benchmark may import another copy of opscope than the command that runs it.
const COLLECTED = Symbol.for('opscope.bench.collected')
const holder = globalThis as { [COLLECTED]?: NamedCase[] }
const suites: string[] = []

/**
 * Adds a case to those of this process. `opscope bench FILE` runs them, and so does benchmark() without `cases`.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE for a body that is no function or a name that is taken
 * @example
 * bench('resnet b8', () => session.run(feeds), { items: 8 })
 */
export function bench(name: string, run: CaseBody, options: Omit<CaseDefinition, 'run'> = {}): void {
  const known = holder[COLLECTED] ?? []
  holder[COLLECTED] = known
  const path = typeof name === 'string' && name !== '' ? [...suites, name].join(' > ') : name
  namedCases([...known, { ...options, name: path, run }])
  known.push({ ...options, name: path, run })
}

/** Puts a name before those of the cases that its body adds: `suite > case`. Suites may nest; the body is not async. */
export function suite(name: string, body: () => void): void {
  suites.push(name)
  try {
    body()
  } finally {
    suites.pop()
  }
}

/** What bench() has added so far. */
export function collectedCases(): readonly NamedCase[] {
  return holder[COLLECTED] ?? []
}
