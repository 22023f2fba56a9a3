import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { build } from 'esbuild'

const path = (from: string) => fileURLToPath(new URL(from, import.meta.url))

/** Address of a file with a body, the page's styles and a script of this folder; for file://, as reports are. */
export async function bundledPage(script: string, body: string, style = '../../src/page/page.css'): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [path(`./${script}`), path(style)],
    outdir: '/',
    bundle: true,
    write: false,
    format: 'iife',
    logLevel: 'warning',
  })
  const textOf = (suffix: string) => outputFiles.find(file => file.path.endsWith(suffix))!.text
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>page</title><style>${textOf('.css')}</style>
<body>${body}<script>${textOf('.js').replaceAll('</script', '<\\/script')}</script>`
  const file = join(mkdtempSync(join(tmpdir(), 'opscope-page-')), 'page.html')
  writeFileSync(file, html)
  return pathToFileURL(file).href
}
