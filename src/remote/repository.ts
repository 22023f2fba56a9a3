// Files in places that a caller names: only below folders that the operator of the process has allowed.
import { mkdir, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { threadId } from 'node:worker_threads'

import { OpscopeError } from '../errors.js'
import { CallFailure } from './call-failure.js'

/** Where a caller wants a file: `<root>/<sessionId>/<hostName>.<tool>`. */
export interface RepositoryPlace {
  root: string
  sessionId: string
  hostName: string
}

// One part of a path, that is no other folder and no hidden file.
const PART = /^[\w-][\w.@+-]{0,199}$/
let fileCount = 0

export class Repository {
  readonly #roots: readonly string[]

  /**
   * @param roots folders below which callers may have files written
   * @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE
   */
  constructor(roots: readonly string[] = []) {
    const isFit = Array.isArray(roots) && roots.every(root => typeof root === 'string' && isAbsolute(root))
    if (!isFit) {
      const message = 'Expected the "writeRoots" option to be a list of absolute paths.'
      throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', message)
    }
    this.#roots = roots.map(root => resolve(root))
  }

  /** Whether the root is below an allowed one, links followed. */
  async allows(root: string): Promise<boolean> {
    if (this.#roots.length === 0 || !isAbsolute(root) || root.includes('\0')) return false
    const real = await realPathOf(resolve(root))
    const allowed = await Promise.all(this.#roots.map(realPathOf))
    return allowed.some(each => isBelow(real, each))
  }

  /**
   * Writes a file that appears whole, and replaces none: a reader keeps what it made of a session beside its files.
   * @returns its path
   * @throws CallFailure PERMISSION_DENIED for a place that is not allowed, INVALID_ARGUMENT for names that are none
   */
  async write({ root, sessionId, hostName }: RepositoryPlace, tool: string, bytes: Uint8Array): Promise<string> {
    const host = hostName.replaceAll(':', '_')
    if (!PART.test(sessionId)) throw new CallFailure('INVALID_ARGUMENT', 'The session id is no name of a folder.')
    if (!PART.test(host)) throw new CallFailure('INVALID_ARGUMENT', 'The host name is no name of a file.')
    const folder = join(resolve(root), sessionId)
    // The session's folder may be a link too.
    if (!(await this.allows(root)) || !(await this.allows(folder))) {
      throw new CallFailure('PERMISSION_DENIED', 'Files are written only below the folders that this process allows.')
    }
    await mkdir(folder, { recursive: true })
    const path = join(folder, `${host}.${tool}`)
    const temporary = join(folder, `.${host}.${process.pid}-${threadId}-${fileCount++}.tmp`)
    try {
      await writeFile(temporary, bytes, { flag: 'wx' })
      await rename(temporary, path)
    } finally {
      await rm(temporary, { force: true })
    }
    return path
  }
}

/** What is there of the path with its links followed, and the rest as it is. */
async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    const parent = dirname(path)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === path) return path
    return join(await realPathOf(parent), relative(parent, path))
  }
}
function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}
