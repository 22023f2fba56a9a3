import { createRequire } from 'node:module'
import { sep } from 'node:path'

import { addWarning } from '../hooks.js'
import { instrument as instrumentOnnxruntime } from '../integrations/onnxruntime.js'
import type { IntegrationName } from './settings.js'

/** A package that loads a native addon of its own when it is loaded. */
interface Integration {
  /** The package's folder, as the path of its addon has it. */
  folder: string
  /** Its entry module, below that folder. */
  entry: string
  instrument(exports: unknown): void
}

const KNOWN: Record<IntegrationName, Integration> = {
  onnxruntime: {
    folder: `${sep}onnxruntime-node${sep}`,
    entry: ['dist', 'index.js'].join(sep),
    instrument: instrumentOnnxruntime,
  },
}

let isInstalled = false

/**
 * Instruments each package once the program loads it, by import or require, in this thread. Nothing is loaded here.
 *
 * The sign is the package's native addon, which both kinds of import load through `process.dlopen`. A wrapper around
 * the loader of modules would stand in the stack of every error that a module throws while it loads.
 */
export function installIntegrations(names: readonly IntegrationName[]): void {
  // For a recording and for tracing: both name what the environment does.
  if (names.length === 0 || isInstalled) return
  isInstalled = true
  const load = process.dlopen
  process.dlopen = function dlopen(this: unknown, ...args: Parameters<typeof load>) {
    Reflect.apply(load, this, args)
    const addon = String(args[1])
    for (const name of names) {
      const at = addon.lastIndexOf(KNOWN[name].folder)
      if (at < 0) continue
      // By then the package has loaded, and what the program did with it has not reached its next microtask.
      queueMicrotask(() => instrumentLoaded(name, addon.slice(0, at)))
    }
  }
}

function instrumentLoaded(name: IntegrationName, above: string): void {
  const { folder, entry, instrument } = KNOWN[name]
  try {
    const exports = createRequire(import.meta.url).cache[`${above}${folder}${entry}`]?.exports
    if (exports !== undefined) instrument(exports)
  } catch (error) {
    addWarning('integration-failed', error instanceof Error ? error.message : String(error))
  }
}
