import { createRequire } from 'node:module'
import { dirname, sep } from 'node:path'

import { OpscopeError } from '../../errors.js'
import type { SessionClass } from './calls.js'
import type { OrtBinding } from './native-session.js'

const ENTRY = ['onnxruntime-node', 'dist', 'index.js'].join(sep)
const HINT = "Pass the package itself: import * as ort from 'onnxruntime-node'; instrument(ort)"

/**
 * The native side of exactly that copy of onnxruntime-node which `ort` is, whether it came by import or
 * require: Node keeps both kinds of a CommonJS package in one cache, and nothing is loaded here.
 * @throws OpscopeError ERR_OPSCOPE_INTEGRATION
 */
export function findBinding(ort: unknown): { binding: OrtBinding; SessionClass: SessionClass } {
  const SessionClass = (ort as { InferenceSession?: SessionClass } | null | undefined)?.InferenceSession
  if (typeof SessionClass?.prototype?.run !== 'function') {
    throw new OpscopeError(
      'ERR_OPSCOPE_INTEGRATION',
      'instrument() was given something else than onnxruntime-node.',
      HINT,
    )
  }
  const { cache } = createRequire(import.meta.url)
  for (const [path, module] of Object.entries(cache)) {
    if (!path.endsWith(ENTRY) || module?.exports?.InferenceSession !== SessionClass) continue
    const binding = cache[`${dirname(path)}${sep}binding.js`]?.exports?.binding as OrtBinding | undefined
    if (isReplaceable(binding)) return { binding, SessionClass }
  }
  throw new OpscopeError(
    'ERR_OPSCOPE_INTEGRATION',
    'The native session class of this onnxruntime package was not found.',
    `Only onnxruntime-node, loaded by Node itself and not from a bundle, can be instrumented. ${HINT}`,
  )
}

function isReplaceable(binding: OrtBinding | undefined): binding is OrtBinding {
  const methods = binding?.InferenceSession?.prototype as Record<string, unknown> | undefined
  const isWritable =
    binding !== undefined && Object.getOwnPropertyDescriptor(binding, 'InferenceSession')?.writable === true
  return (
    isWritable && ['loadModel', 'run', 'endProfiling', 'dispose'].every(name => typeof methods?.[name] === 'function')
  )
}
