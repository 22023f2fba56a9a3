import { createRequire } from 'node:module'
import { sep } from 'node:path'

import { addWarning } from '../hooks.js'
import { instrument as instrumentOnnxruntime } from '../integrations/onnxruntime.js'
import type { IntegrationName } from './settings.js'
import { watchTfjs } from './tfjs-watch.js'

/** A package that loads a native addon of its own when it is loaded. */
interface Integration {
  /** The package's folder, as the path of its addon has it. */
  folder: string
  /** Its entry module, below that folder. */
  entry: string
  instrument(exports: unknown): void
}

const WITH_ADDON: Partial<Record<IntegrationName, Integration>> = {
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
 * The sign of most is the package's native addon, which both kinds of import load through `process.dlopen`. A wrapper around
 * the loader of modules would stand in the stack of every error that a module throws while it loads.
 */
export function installIntegrations(names: readonly IntegrationName[]): void {
  // For a recording and for tracing: both name what the environment does.
  if (names.length === 0 || isInstalled) return
  isInstalled = true
  if (names.includes('tfjs')) watchTfjs(tellFailure)
  const load = process.dlopen
  process.dlopen = function dlopen(this: unknown, ...args: Parameters<typeof load>) {
    Reflect.apply(load, this, args)
    const addon = String(args[1])
    for (const name of names) {
      const integration = WITH_ADDON[name]
      const at = integration === undefined ? -1 : addon.lastIndexOf(integration.folder)
      if (at < 0) continue
      // By then the package has loaded, and what the program did with it has not reached its next microtask.
      queueMicrotask(() => instrumentLoaded(integration!, addon.slice(0, at)))
    }
  }
}

function instrumentLoaded({ folder, entry, instrument }: Integration, above: string): void {
  try {
    const exports = createRequire(import.meta.url).cache[`${above}${folder}${entry}`]?.exports
    if (exports !== undefined) instrument(exports)
  } catch (error) {
    tellFailure(error)
  }
}
function tellFailure(error: unknown): void {
  addWarning('integration-failed', error instanceof Error ? error.message : String(error))
}
