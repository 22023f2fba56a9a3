import { existsSync, mkdirSync, rmdirSync, statSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'

import { writeError } from '../export/output.js'
import type { Address } from './address.js'
import type { ToolData } from './messages.js'

export interface CaptureFile {
  path: string
  bytes: number
}

// Where TensorBoard and xprof look for what they show.
const PLUGIN_FOLDER = join('plugins', 'profile')
const XPLANE = 'xplane.pb'
// Of what TensorFlow's client keeps for itself.
const NOT_FOR_US = /tf_stats_helper_result$/
const LONGEST_NAME = 100

/** The folder of one session: `<logdir>/plugins/profile/<session>`. */
export class SessionFolder {
  /** `<logdir>/plugins/profile`, absolute. */
  readonly root: string
  readonly sessionId: string
  readonly path: string
  /** The uppermost folder that was not there before. */
  readonly #made: string | undefined

  /**
   * Makes the folder, so that a bad path fails before anything is recorded.
   * @throws OpscopeError ERR_OPSCOPE_FILE_WRITE
   */
  constructor(logdir: string, wantedId: string) {
    this.root = resolve(logdir, PLUGIN_FOLDER)
    try {
      this.#made = mkdirSync(this.root, { recursive: true })
      this.sessionId = makeNew(this.root, wantedId)
    } catch (error) {
      throw writeError(this.root, error)
    }
    this.path = join(this.root, this.sessionId)
  }

  /** @throws OpscopeError ERR_OPSCOPE_FILE_WRITE */
  async write({ fileName }: Address, tools: readonly ToolData[]): Promise<CaptureFile[]> {
    const files: CaptureFile[] = []
    for (const { name, data } of tools) {
      if (NOT_FOR_US.test(name)) continue
      const path = join(this.path, `${fileName}.${safeName(name)}`)
      // A viewer that looks meanwhile sees no half of a file: it keeps what it made of it.
      const temporary = join(this.path, `.${fileName}.${process.pid}.tmp`)
      try {
        await writeFile(temporary, data, { flag: 'wx' })
        await rename(temporary, path)
      } catch (error) {
        await rm(temporary, { force: true })
        throw writeError(path, error)
      }
      files.push({ path, bytes: data.length })
    }
    return files
  }

  /** What a server that shares our disk has written here itself. */
  found({ fileName }: Address): CaptureFile | undefined {
    const path = join(this.path, `${fileName}.${XPLANE}`)
    return existsSync(path) ? { path, bytes: statSync(path).size } : undefined
  }

  /** A session without files is none, and leaves nothing behind. */
  removeIfEmpty(): boolean {
    try {
      rmdirSync(this.path)
    } catch {
      return false
    }
    removeUpTo(this.#made, this.root)
    return true
  }
}

function removeUpTo(uppermost: string | undefined, folder: string): void {
  if (uppermost === undefined || folder.length < uppermost.length) return
  try {
    rmdirSync(folder)
  } catch {
    return // somebody else has put something there meanwhile
  }
  removeUpTo(uppermost, dirname(folder))
}

/** The files of a session are never written again: a second one of the same second has a name of its own. */
function makeNew(root: string, wantedId: string): string {
  for (let count = 1; ; count++) {
    const id = count === 1 ? wantedId : `${wantedId}_${count}`
    try {
      mkdirSync(join(root, id))
      return id
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

/** Names come from the server: none may lead out of the folder. */
function safeName(name: string): string {
  return name.replaceAll(/[^\p{L}\p{N}_.@-]/gu, '_').slice(0, LONGEST_NAME) || 'unnamed'
}

/** Local time, as TensorBoard names its sessions: `2026_11_26_02_17_59`. */
export function sessionIdOf(date: Date): string {
  const parts = [date.getMonth() + 1, date.getDate(), date.getHours(), date.getMinutes(), date.getSeconds()]
  return [date.getFullYear(), ...parts.map(part => String(part).padStart(2, '0'))].join('_')
}
