// The HTML report as a file, a piece of a few MB at a time.
import { write } from 'node:fs'
import { promisify } from 'node:util'

import { htmlPieces, htmlPiecesSync, type PageContent } from '../report/html.js'
import { writeWhole } from './output.js'

const writeSome = promisify(write)

/** Resolves to the bytes written. @throws OpscopeError ERR_OPSCOPE_FILE_READ, as the next */
export async function writeHtml(content: PageContent, fd: number): Promise<number> {
  let length = 0
  for await (const piece of htmlPieces(content)) {
    const bytes = Buffer.from(piece)
    for (let at = 0; at < bytes.length; ) at += (await writeSome(fd, bytes, at)).bytesWritten
    length += bytes.length
  }
  return length
}
export function writeHtmlSync(content: PageContent, fd: number): number {
  let length = 0
  for (const piece of htmlPiecesSync(content)) length += writeWhole(fd, Buffer.from(piece))
  return length
}
