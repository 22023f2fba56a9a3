// The HTML report's script and style, each one file: lib/page/page.js and page.css (src/report/html.ts puts them in).
import { fileURLToPath } from 'node:url'

import { build } from 'esbuild'

await build({
  entryPoints: [
    { in: fileURLToPath(new URL('../src/page/main.ts', import.meta.url)), out: 'page' },
    { in: fileURLToPath(new URL('../src/page/page.css', import.meta.url)), out: 'page' },
  ],
  outdir: fileURLToPath(new URL('../lib/page', import.meta.url)),
  bundle: true,
  minify: true,
  format: 'iife',
  target: ['chrome109', 'firefox115', 'safari17'],
  legalComments: 'eof',
  logLevel: 'warning',
})
