// Writes the page of a capture as a file that a browser opens: scripts as they are built for the report, the columns as
// JSON. For tests of panels and for looking at them: node --import … is not needed, vitest runs it.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { build } from 'esbuild'

import { SHELL } from '../../src/page/shell.js'
import type { PageInput } from './page-input.js'

const HERE = fileURLToPath(new URL('.', import.meta.url))
let built: Promise<{ script: string; style: string }> | undefined

/** The URL of a page in `folder` that shows `input`; `script` runs before the page's own. */
export async function pageFile(folder: string, name: string, input: PageInput | string): Promise<string> {
  built ??= buildPage()
  const { script, style } = await built
  const given = typeof input === 'string' ? input : `window.pageInput = ${asScript(input)}`
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'nonce-a'">
<title>opscope</title><style nonce="a">${style}</style></head><body>${SHELL}
<script>${given}</script><script>${script}</script></body></html>`
  const path = join(folder, `${name}.html`)
  await writeFile(path, html)
  return pathToFileURL(path).href
}

/** Typed arrays are made again in the browser. */
function asScript({ model, recording }: PageInput): string {
  const text = JSON.stringify({ model, recording }, (_key, value: unknown) => {
    if (typeof value === 'bigint') return undefined
    return ArrayBuffer.isView(value)
      ? { $type: value.constructor.name, values: Array.from(value as Float64Array) }
      : value
  })
  const revive =
    '(_, v) => (v && v.$type ? (v.$type.startsWith("Big") ? null : globalThis[v.$type].from(v.values)) : v)'
  return `JSON.parse(${JSON.stringify(text).replaceAll('<', '\\u003c')}, ${revive})`
}

async function buildPage(): Promise<{ script: string; style: string }> {
  const common = { bundle: true, write: false, logLevel: 'warning' } as const
  const [script, style] = await Promise.all([
    build({ ...common, entryPoints: [join(HERE, 'dev-page.ts')], format: 'iife', loader: { '.css': 'empty' } }),
    build({ ...common, entryPoints: [join(HERE, '../../src/page/page.css')] }),
  ])
  return { script: script.outputFiles[0]!.text, style: style.outputFiles[0]!.text }
}
