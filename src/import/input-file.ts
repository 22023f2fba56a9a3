import { createReadStream, createWriteStream } from 'node:fs'
import { type FileHandle, mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { constants, createGunzip } from 'node:zlib'

import { OpscopeError } from '../errors.js'
import { type FileKind, fileKind } from './file-kind.js'
import { holdsProfileRecord } from './profile-log/records.js'

const CHUNK_BYTES = 1 << 20
const HEAD_BYTES = 4096
const LOG_HEAD_BYTES = 1 << 20

/** A trace on disk: told by its content, unpacked where it is packed, read in chunks. Close it. */
export class InputFile {
  readonly #folders: string[] = []
  #plainPath: string
  #isGzip = false
  kind: FileKind = 'empty'

  private constructor(readonly path: string) {
    this.#plainPath = path
  }

  static async open(path: string): Promise<InputFile> {
    const file = new InputFile(path)
    try {
      const stats = await stat(path)
      if (stats.isDirectory()) {
        throw new OpscopeError('ERR_OPSCOPE_FILE_READ', `${path} is a directory.`, 'Name one file in it.')
      }
      if (!stats.isFile()) {
        // A pipe can be read once only, and the kind of a trace is known after a first look.
        file.#plainPath = await file.#spool(createReadStream(path))
      }
      file.kind = fileKind(await headOf(file.#plainPath))
      if (file.kind === 'gzip') {
        file.#isGzip = true
        file.kind = fileKind(await firstBytes(file.chunks(), HEAD_BYTES))
      }
      if (file.kind === 'json' || typeof file.kind === 'object') {
        // A server's log may say much before its first record; a JSON text has none of their tabs.
        const text = (await firstBytes(file.chunks(), LOG_HEAD_BYTES)).toString('latin1')
        file.kind = holdsProfileRecord(text) ? 'profile-log' : file.kind
      }
      return file
    } catch (error) {
      await file.close()
      throw readError(path, error)
    }
  }

  async *chunks(): AsyncGenerator<Buffer> {
    const source = createReadStream(this.#plainPath, { highWaterMark: CHUNK_BYTES })
    if (!this.#isGzip) {
      yield* source as AsyncIterable<Buffer>
      return
    }
    // Z_SYNC_FLUSH: of an archive that was cut, what is there comes out instead of an error.
    const gunzip = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH, chunkSize: CHUNK_BYTES })
    source.on('error', error => gunzip.destroy(error))
    try {
      yield* source.pipe(gunzip) as AsyncIterable<Buffer>
    } catch (error) {
      // A damaged archive is one that ends where the damage is.
      if (!isZlibError(error)) {
        throw readError(this.path, error)
      }
    } finally {
      source.destroy()
    }
  }
  /** Opened for reading, to be closed by the caller; undefined where the bytes are packed. */
  async openPlain(): Promise<FileHandle | undefined> {
    try {
      return this.#isGzip ? undefined : await open(this.#plainPath)
    } catch (error) {
      throw readError(this.path, error)
    }
  }
  /** A path with the plain bytes, for readers that want to map the file. */
  async plainPath(): Promise<string> {
    return this.#isGzip ? this.#spool(this.chunks()) : this.#plainPath
  }
  async close(): Promise<void> {
    for (const folder of this.#folders.splice(0)) {
      await rm(folder, { recursive: true, force: true })
    }
  }

  async #spool(chunks: AsyncIterable<Buffer>): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'opscope-'))
    this.#folders.push(folder)
    const path = join(folder, 'trace')
    await pipeline(chunks, createWriteStream(path))
    return path
  }
}

async function headOf(path: string): Promise<Buffer> {
  const handle = await open(path)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}
async function firstBytes(chunks: AsyncIterable<Buffer>, most: number): Promise<Buffer> {
  for await (const chunk of chunks) {
    return chunk.subarray(0, most)
  }
  return Buffer.alloc(0)
}

const isZlibError = (error: unknown) => /^Z_/.test(String((error as NodeJS.ErrnoException).code))

const HINTS: Record<string, string> = {
  ENOENT: 'There is no such file.',
  EACCES: 'You may not read it.',
  ENOTDIR: 'A part of the path is a file, not a directory.',
}
function readError(path: string, error: unknown): Error {
  const code = (error as NodeJS.ErrnoException).code
  if (error instanceof OpscopeError || code === undefined) {
    return error as Error
  }
  return new OpscopeError('ERR_OPSCOPE_FILE_READ', `Cannot read ${path}: ${code}.`, HINTS[code], { cause: error })
}
