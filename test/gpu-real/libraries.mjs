// Where the suite's native libraries are, and how their failures become errors.
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

// require, not import: koffi may then also come from NODE_PATH, as on a machine without a registry.
const require = createRequire(import.meta.url)

const FOLDER = fileURLToPath(new URL('../../build/gpu-suite', import.meta.url))
export const KERNELS = `${FOLDER}/libgpu_suite_kernels.so`
export const HOST = `${FOLDER}/libgpu_suite_host.so`

export function hasKoffi() {
  try {
    return require('koffi') !== undefined
  } catch {
    return false
  }
}

/** Functions of a library by their C prototypes; those of `checked` throw unless they return 0. */
export function load(path, errorFunction, checked, plain = []) {
  const library = require('koffi').load(path)
  const errorText = library.func(`const char *${errorFunction}()`)
  const functions = {}
  for (const prototype of plain) functions[nameOf(prototype)] = library.func(prototype)
  for (const prototype of checked) {
    const call = library.func(prototype)
    functions[nameOf(prototype)] = (...values) => {
      const code = call(...values)
      if (code !== 0) throw Object.assign(new Error(`${nameOf(prototype)}: ${errorText()} (${code})`), { code })
    }
  }
  return functions
}
const nameOf = prototype => /(\w+)\s*\(/.exec(prototype)[1]
