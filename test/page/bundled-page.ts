import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { build } from 'esbuild'

const path = (from: string) => fileURLToPath(new URL(from, import.meta.url))

/** Address of a file in `folder` with a body, the page's styles and a script of this one; for file://, as reports are. */
export async function bundledPage(folder: string, script: string, body: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [path(`./${script}`), path('../../src/page/page.css')],
    outdir: '/',
    bundle: true,
    write: false,
    format: 'iife',
    logLevel: 'warning',
  })
  const textOf = (suffix: string) => outputFiles.find(file => file.path.endsWith(suffix))!.text
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>page</title><style>${textOf('.css')}</style>
<body>${body}<script>${textOf('.js').replaceAll('</script', '<\\/script')}</script>`
  const file = join(folder, 'page.html')
  writeFileSync(file, html)
  return pathToFileURL(file).href
}
