import { createRequire } from 'node:module'

import { replaceMember } from '../integrations/replace-member.js'
import { instrument } from '../integrations/tfjs.js'

/** By this name TensorFlow.js keeps its engine in the global object, where all copies find it. */
const GLOBAL_NAME = '_tfengine'
/** Entries of its packages, as a CommonJS loader has them. */
const ENTRY = /[\\/]@tensorflow[\\/]tfjs[\w-]*[\\/]dist[\\/][^\\/]+\.js$/
/** Nothing is computed without one of these. */
const FIRST_CALLS = ['makeTensor', 'runKernel'] as const

type Engine = Record<(typeof FIRST_CALLS)[number], (...args: unknown[]) => unknown>

/**
 * Instruments TensorFlow.js once the program has loaded it. It has no addon of its own; the sign is the engine that it
 * makes when it loads. Its modules are complete later: at the first call of the engine, which is before the program has
 * a tensor to give to a model, and again when the program comes back from loading.
 */
export function watchTfjs(onError: (error: unknown) => void): void {
  const find = () => {
    try {
      instrumentLoaded()
    } catch (error) {
      onError(error)
    }
  }
  const globals = globalThis as { [GLOBAL_NAME]?: Engine }
  if (globals[GLOBAL_NAME] != null) {
    find()
    return
  }
  Object.defineProperty(globals, GLOBAL_NAME, {
    configurable: true,
    get: () => undefined,
    set: (engine: Engine) => {
      const value = { value: engine, writable: true, enumerable: true, configurable: true }
      Object.defineProperty(globals, GLOBAL_NAME, value)
      const endWait = beforeFirstCall(Object.getPrototypeOf(engine) as Engine, find)
      queueMicrotask(() => {
        endWait()
        find()
      })
    },
  })
}

function instrumentLoaded(): void {
  for (const [path, module] of Object.entries(createRequire(import.meta.url).cache)) {
    if (ENTRY.test(path) && isPackage(module?.exports)) instrument(module!.exports)
  }
}
// Other files of these packages export this and that.
function isPackage(exports: unknown): boolean {
  const names = (exports ?? {}) as Record<string, unknown>
  return ['engine', 'LayersModel', 'GraphModel'].some(name => typeof names[name] === 'function')
}

/** Calls `find` when the engine is first called. The result ends the wait, and then the engine is as it was. */
function beforeFirstCall(engine: Engine, find: () => void): () => void {
  let isWaiting = true
  const endWait = () => {
    isWaiting = false
    for (const restore of restores) restore()
  }
  const restores = FIRST_CALLS.map(name =>
    replaceMember(engine, name, original => {
      return function first(this: Engine, ...args) {
        if (!isWaiting) return original.apply(this, args)
        endWait()
        find()
        return this[name](...args)
      }
    }),
  )
  return endWait
}
