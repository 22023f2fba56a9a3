import { closeSync, createReadStream, createWriteStream, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { constants, createGzip, gzipSync } from 'node:zlib'

import { type NativeFormat, type NativeWarning, native } from '../binding.js'
import type { PageContent } from '../report/html.js'
import { writeHtml, writeHtmlSync } from './html.js'
import { type Output, openSibling, replace, writeError } from './output.js'
import { writeParquet, writeParquetSync } from './parquet.js'

export { beforeSuffix, EXPORT_FORMATS, type ExportFormat, formatOf, packedPath, suffixOf } from './formats.js'
export { type Output, openOutput } from './output.js'
export { discardStream, openStream, removeStream, type Stream } from './stream.js'

/** What came of a write. */
export interface Written {
  path: string
  bytes: number
  /** What the format could not carry. */
  warnings: NativeWarning[]
}
type Content = Omit<Written, 'path'>
/** A recording, and what its page says beside it. */
export type CaptureContent = PageContent

// Level 1 writes a trace in a third of the time of the default for a tenth more bytes: names repeat near by.
const GZIP_OPTIONS = { level: constants.Z_BEST_SPEED, chunkSize: 1 << 18 }

/**
 * Writes a capture to an output that openOutput() checked.
 * @throws OpscopeError ERR_OPSCOPE_FILE_WRITE; a regular file is then as it was before.
 */
export function writeCapture(content: CaptureContent, output: Output): Promise<Written> {
  const { recording } = content
  const { format, absolute } = output
  return writeOutput(output, async fd => {
    if (format === 'parquet') return { bytes: await writeParquet(recording, absolute, fd), warnings: [] }
    if (format === 'html') return { bytes: await writeHtml(content, fd), warnings: [] }
    return native().write(recording, format, fd, absolute)
  })
}

/** Where the native side completes a file whose environment ends first: Parquet and pages are made by JavaScript. */
export function outputWithoutScript({ path, format }: Output): { path: string; format: NativeFormat } {
  if (format === 'parquet') return { path: `${path}.arrow`, format: 'arrow' }
  return format === 'html' ? { path: `${path}.pftrace`, format: 'perfetto' } : { path, format }
}

/** Puts what `produce` writes to a file descriptor where the output says: packed, and whole or not at all. */
export async function writeOutput(output: Output, produce: (fd: number) => Promise<Content>): Promise<Written> {
  const temporary: string[] = []
  const sibling = (suffix: string) => {
    const made = openSibling(output, suffix)
    temporary.push(made.path)
    return made
  }
  try {
    if (output.isDirect && !output.gzip) {
      // Opened off the main thread: opening a pipe waits for its reader.
      const file = await open(output.target, 'w')
      try {
        return { path: output.path, ...(await produce(file.fd)) }
      } finally {
        await file.close()
      }
    }
    const plain = sibling('.tmp')
    const content = await produce(plain.fd).finally(() => closeSync(plain.fd))
    let complete = plain.path
    if (output.gzip) {
      const { path, fd } = output.isDirect ? { path: output.target, fd: undefined } : sibling('.gz.tmp')
      const packed = createWriteStream(path, fd === undefined ? {} : { fd })
      await pipeline(createReadStream(plain.path), createGzip(GZIP_OPTIONS), packed)
      content.bytes = packed.bytesWritten
      complete = path
    }
    if (!output.isDirect) {
      replace(complete, output)
    }
    return { path: output.path, ...content }
  } catch (error) {
    throw writeError(output.path, error)
  } finally {
    for (const path of temporary) {
      rmSync(path, { force: true })
    }
  }
}

/**
 * The same as writeCapture(), blocking, for exit paths. A compressed file is packed in memory.
 * @throws OpscopeError ERR_OPSCOPE_FILE_WRITE; a regular file is then as it was before.
 */
export function writeCaptureSync(content: CaptureContent, output: Output): Written {
  let temporary: string | undefined
  try {
    const isPlainDirect = output.isDirect && !output.gzip
    const file = isPlainDirect ? { path: output.target, fd: openSync(output.target, 'w') } : openSibling(output, '.tmp')
    temporary = isPlainDirect ? undefined : file.path
    let written: Content
    try {
      written = writeSync(content, output, file.fd)
    } finally {
      closeSync(file.fd)
    }
    if (output.gzip) {
      const packed = gzipSync(readFileSync(file.path), GZIP_OPTIONS)
      written.bytes = packed.length
      writeFileSync(output.isDirect ? output.target : file.path, packed)
    }
    if (!output.isDirect) {
      replace(file.path, output)
    }
    return { path: output.path, ...written }
  } catch (error) {
    throw writeError(output.path, error)
  } finally {
    if (temporary !== undefined) {
      rmSync(temporary, { force: true })
    }
  }
}

function writeSync(content: CaptureContent, { format, absolute }: Output, fd: number): Content {
  const { recording } = content
  if (format === 'parquet') return { bytes: writeParquetSync(recording, absolute, fd), warnings: [] }
  if (format === 'html') return { bytes: writeHtmlSync(content, fd), warnings: [] }
  return native().writeSync(recording, format, fd, absolute)
}
