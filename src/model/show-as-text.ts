import { inspect } from 'node:util'

/** Instances show their toString() in the REPL and in console.log. A method could not: its declaration needs a name. */
export function showAsText(type: { prototype: object }): void {
  Object.defineProperty(type.prototype, inspect.custom, {
    value(this: object) {
      return String(this)
    },
  })
}
