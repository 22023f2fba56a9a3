import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { crc32 } from 'node:zlib'

import { type ModelScan, type ReadBytes, scanModel } from './model-scan.js'

/** What a session was made from: enough to make it once more. */
export interface ModelSource {
  /** For the name of the run's op; empty for a model given as bytes. */
  fileName: string
  byteLength: number
  /** Why there can be no second session like it; undefined: there can. */
  refusal: string | undefined
  /** False after the file or the bytes have changed: a second session would answer differently. */
  isUnchanged(): boolean
  /** Arguments for the native loadModel, with these options over the session's own. */
  loadArguments(overrides: object): unknown[]
  scan(): ModelScan | undefined
}

type Options = Record<string, unknown>

/**
 * Remembers the arguments of the native loadModel. Bytes are kept by reference, not copied, and
 * fingerprinted (crc32, 0.4 ms per MB) so that a caller who writes over them gets no wrong twin.
 */
export function rememberModel(args: readonly unknown[]): ModelSource | undefined {
  try {
    return sourceOf(args)
  } catch {
    // A file that is gone already, options of a kind unknown here: such a session is run-only.
    return undefined
  }
}

function sourceOf(args: readonly unknown[]): ModelSource | undefined {
  const options: Options = { ...(args.at(-1) as Options) }
  const [model, offset, length] = args
  const external = externalBytes(options)
  const externalPrint = fingerprint(external)
  const refusal = refusalOf(options)
  if (typeof model === 'string') {
    // ORT resolves it against the working directory of now, and external weights against its folder.
    const path = resolve(model)
    const print = filePrint(path)
    if (print === undefined) return undefined
    return {
      fileName: basename(path),
      byteLength: print.size,
      refusal,
      isUnchanged: () => filePrint(path)?.text === print.text && fingerprint(external) === externalPrint,
      loadArguments: overrides => [path, { ...options, ...overrides }],
      scan: () => scanFile(path, print.size),
    }
  }
  if (!(model instanceof ArrayBuffer || model instanceof SharedArrayBuffer)) return undefined
  if (typeof offset !== 'number' || typeof length !== 'number') return undefined
  // A view, so that a buffer transferred away shows as empty.
  const bytes = new Uint8Array(model, offset, length)
  const all = [bytes, ...external]
  const print = fingerprint(all)
  return {
    fileName: '',
    byteLength: length,
    refusal,
    isUnchanged: () => bytes.byteLength === length && fingerprint(all) === print,
    loadArguments: overrides => [model, offset, length, { ...options, ...overrides }],
    scan: () => scanModel((at, count) => bytes.subarray(at, at + count), length),
  }
}

function refusalOf(options: Options): string | undefined {
  if (options.enableProfiling === true) return 'the session has its own profile (enableProfiling)'
  if (options.optimizedModelFilePath !== undefined) return 'loading it writes a file (optimizedModelFilePath)'
  if (options.enableGraphCapture === true) return 'the session captures its graph (enableGraphCapture)'
  if (options.preferredOutputLocation !== undefined) return 'its outputs stay on a device (preferredOutputLocation)'
  if (JSON.stringify(options.extra ?? {}).includes('context_enable'))
    return 'loading it writes a file (ep.context_enable)'
  return undefined
}

function externalBytes(options: Options): Uint8Array[] {
  const files = Array.isArray(options.externalData) ? (options.externalData as { data?: unknown }[]) : []
  return files.flatMap(file => {
    const data = file?.data
    if (ArrayBuffer.isView(data)) return [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]
    return data instanceof ArrayBuffer ? [new Uint8Array(data)] : []
  })
}

function fingerprint(parts: readonly Uint8Array[]): number {
  return parts.reduce((print, bytes) => crc32(bytes, print), 0)
}

function filePrint(path: string): { text: string; size: number } | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  return found && { text: `${found.ino} ${found.size} ${found.mtimeMs}`, size: found.size }
}

function scanFile(path: string, size: number): ModelScan | undefined {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch {
    return undefined
  }
  const scan = scanModel(windowOf(file), size)
  closeSync(file)
  return scan
}

// Headers lie close together and weights far: a small window, moved at need.
function windowOf(file: number): ReadBytes {
  const window = Buffer.alloc(16 * 1024)
  let start = 0
  let filled = 0
  return (offset, length) => {
    if (offset < start || offset + length > start + filled) {
      start = offset
      filled = readSync(file, window, 0, window.length, offset)
    }
    return window.subarray(offset - start, Math.min(offset - start + length, filled))
  }
}
