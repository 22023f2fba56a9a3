import { inspect } from 'node:util'

const NOTEBOOK = Symbol.for('Jupyter.display')

/**
 * Instances show their toString() in the REPL and in console.log, and in notebooks that ask by this symbol, as those of
 * Deno's kernel do, `htmlOf` them if it is given. Methods could not: their declaration needs a name.
 */
export function showAsText<T extends object>(type: { prototype: T }, htmlOf?: (value: T) => string): void {
  Object.defineProperty(type.prototype, inspect.custom, {
    value(this: T) {
      return String(this)
    },
  })
  if (htmlOf === undefined) return
  Object.defineProperty(type.prototype, NOTEBOOK, {
    value(this: T) {
      return { 'text/plain': String(this), 'text/html': htmlOf(this) }
    },
  })
}
