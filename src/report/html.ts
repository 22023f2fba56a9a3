// The HTML report: one file that needs nothing else. Its policy forbids every request and every script but its own,
// which are told by their hashes; what comes from a recording is JSON and numbers in blocks of data.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { createGzip, gzipSync } from 'node:zlib'

import { type NativeWarning, native, type RecordingHandle } from '../binding.js'
import { OpscopeError } from '../errors.js'
import { escapeHtml } from '../html-text.js'
import type { ReportSource } from '../model/ops.js'
import type { PageModel } from '../page/page-model.js'
import { SHELL } from '../page/shell.js'
import { pageModel } from './html-model.js'

/** What the page is made of. */
export interface PageContent {
  recording: RecordingHandle
  source: ReportSource
  warnings: readonly NativeWarning[]
  /** @default what was recorded */
  title?: string
}
interface PageFiles {
  script: string
  style: string
}

const FOLDER = new URL('../../lib/page/', import.meta.url)
// Smaller pieces are more elements, larger ones more memory at a time. Thrice, so that each is whole Base64.
const PIECE_BYTES = 3 << 20
const SLICE_BYTES = 1 << 20
// Packed columns have little left to find: of 1e6 spans level 1 leaves 5.52 bytes a span in the file in 166 ms, level 4
// 5.49 in 177 ms, level 9 5.43 in 451 ms.
const GZIP_OPTIONS = { level: 4, chunkSize: 1 << 18 }

let files: PageFiles | undefined

/**
 * The page's own script and style.
 * @throws OpscopeError ERR_OPSCOPE_FILE_READ where they were not built
 */
export function pageFiles(folder: URL = FOLDER): PageFiles {
  if (files !== undefined && folder === FOLDER) return files
  try {
    const read = (name: string): string => readFileSync(new URL(name, folder), 'utf8')
    const found = { script: read('page.js'), style: read('page.css') }
    if (folder === FOLDER) files = found
    return found
  } catch (cause) {
    throw new OpscopeError(
      'ERR_OPSCOPE_FILE_READ',
      'The HTML report has no page: lib/page was not built.',
      'Run npm run build in the folder of opscope, or install the package anew.',
      { cause },
    )
  }
}

/** The page in pieces of a few MB. */
export async function* htmlPieces({ recording, source, ...facts }: PageContent): AsyncGenerator<string> {
  const packed = await native().pageColumns(recording)
  yield head(pageModel(source, packed, facts))
  const gzip = Readable.from(slices(packed.bytes)).pipe(createGzip(GZIP_OPTIONS))
  const pieces = new Pieces()
  for await (const chunk of gzip) yield* pieces.add(chunk as Buffer)
  yield* pieces.end()
  yield TAIL
}
/** The same, blocking. */
export function* htmlPiecesSync({ recording, source, ...facts }: PageContent): Generator<string> {
  const packed = native().pageColumnsSync(recording)
  yield head(pageModel(source, packed, facts))
  const pieces = new Pieces()
  yield* pieces.add(gzipSync(packed.bytes, GZIP_OPTIONS))
  yield* pieces.end()
  yield TAIL
}

/** @throws OpscopeError ERR_OPSCOPE_OUT_OF_MEMORY where it is longer than a string can be */
export async function htmlText(content: PageContent): Promise<string> {
  const pieces: string[] = []
  for await (const piece of htmlPieces(content)) pieces.push(piece)
  try {
    return pieces.join('')
  } catch (cause) {
    const hint = "Write it to a file: capture.export('report.html')."
    throw new OpscopeError('ERR_OPSCOPE_OUT_OF_MEMORY', 'The page is longer than a string may be.', hint, { cause })
  }
}

function head(model: PageModel): string {
  const { script, style } = pageFiles()
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="opscope ${model.opscope}">
<title>${escapeHtml(model.title)} · opscope</title>
<style>${style}</style>
</head>
<body>
${SHELL}
<script type="application/json" id="model">${scriptJson(model)}</script>
<script>${script}</script>
`
}
const TAIL = '</body>\n</html>\n'

/** JSON that ends no script element, whatever its texts are. */
function scriptJson(value: unknown): string {
  try {
    return JSON.stringify(value).replaceAll('<', '\\u003c')
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    const hint = 'Write a .pftrace, which takes texts of any length.'
    throw new OpscopeError('ERR_OPSCOPE_OUT_OF_MEMORY', 'The names of this capture are too long for a page.', hint, {
      cause,
    })
  }
}
function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

/** So that compressing does not take all of them at once. */
function* slices(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) yield bytes.subarray(at, at + SLICE_BYTES)
}

/** Compressed bytes as elements of the page. */
class Pieces {
  #chunks: Buffer[] = []
  #length = 0;

  *add(chunk: Buffer): Generator<string> {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    if (this.#length < PIECE_BYTES) return
    const bytes = Buffer.concat(this.#chunks)
    let at = 0
    for (; bytes.length - at >= PIECE_BYTES; at += PIECE_BYTES) yield element(bytes.subarray(at, at + PIECE_BYTES))
    this.#chunks = [bytes.subarray(at)]
    this.#length = bytes.length - at
  }
  *end(): Generator<string> {
    yield element(Buffer.concat(this.#chunks))
  }
}
function element(bytes: Buffer): string {
  return `<script type="text/plain" class="columns">${bytes.toString('base64')}</script>\n`
}
