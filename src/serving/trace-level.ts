// The words of a trace level, of all eras of Triton: MIN, MAX and true of the first are TIMESTAMPS today.
import { OpscopeError } from '../errors.js'
import { nameHint } from '../nearest-name.js'

/** What is recorded of a request that is traced; neither: tracing is off. */
export interface TraceLevel {
  /** The moments between its stages. */
  readonly timestamps: boolean
  /** The content of its tensors. */
  readonly tensors: boolean
}

const OFF: TraceLevel = { timestamps: false, tensors: false }
const TIMESTAMPS: TraceLevel = { timestamps: true, tensors: false }
const TENSORS: TraceLevel = { timestamps: false, tensors: true }
const LEVEL_OF_WORD = new Map([
  ['off', OFF],
  ['false', OFF],
  ['timestamps', TIMESTAMPS],
  ['min', TIMESTAMPS],
  ['max', TIMESTAMPS],
  ['on', TIMESTAMPS],
  ['true', TIMESTAMPS],
  ['tensors', TENSORS],
])

/**
 * Reads `'TIMESTAMPS'`, `'TIMESTAMPS|TENSORS'` or a list of words, in capitals or not.
 * @param name how the setting is called where it was given
 * @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE for an unknown word, none at all, or OFF beside another level.
 */
export function parseTraceLevel(given: unknown, name: string): TraceLevel {
  const parts: readonly unknown[] = Array.isArray(given) ? given : [given]
  const levels = parts.flatMap(part => {
    if (typeof part === 'string') return part.split('|').map(word => levelOfWord(word.trim(), name))
    throw badLevel(`Expected "${name}" to be made of words, got ${part === null ? 'null' : typeof part}.`)
  })
  if (levels.length === 0) throw badLevel(`Expected "${name}" to have a level, got none.`, 'To trace nothing say OFF.')
  const level = {
    timestamps: levels.some(({ timestamps }) => timestamps),
    tensors: levels.some(({ tensors }) => tensors),
  }
  if (isTracing(level) && levels.includes(OFF)) {
    throw badLevel(`Expected OFF to be alone in "${name}", got it beside another level.`)
  }
  return level
}

export function isTracing(level: TraceLevel): boolean {
  return level.timestamps || level.tensors
}

/** The words of today. */
export function traceLevelWords({ timestamps, tensors }: TraceLevel): string[] {
  const words = [...(timestamps ? ['TIMESTAMPS'] : []), ...(tensors ? ['TENSORS'] : [])]
  return words.length === 0 ? ['OFF'] : words
}

function levelOfWord(word: string, name: string): TraceLevel {
  const level = LEVEL_OF_WORD.get(word.toLowerCase())
  if (level !== undefined) return level
  const known = ['OFF', 'TIMESTAMPS', 'TENSORS']
  const shown = word.slice(0, 40)
  throw badLevel(`Unknown level ${JSON.stringify(shown)} in "${name}".`, nameHint(shown, known))
}

function badLevel(message: string, hint?: string): OpscopeError {
  return new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', message, hint)
}
