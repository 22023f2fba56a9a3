// The HTML report's script and style, each one file: lib/page/page.js and page.css (src/report/html.ts puts them in).
// Both carry the licences of the packages that are in them, as those ask for.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { build } from 'esbuild'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

const common = {
  outdir: join(ROOT, 'lib/page'),
  absWorkingDir: ROOT,
  bundle: true,
  minify: true,
  metafile: true,
  target: ['chrome110', 'firefox115', 'safari17'],
  legalComments: 'none',
  logLevel: 'warning',
}

// The packages inside are only known once it is built.
async function buildWithLicences(options, banner) {
  const { metafile } = await build({ ...common, ...options, write: false })
  const packages = packagesIn(Object.keys(metafile.inputs))
  await build({ ...common, ...options, banner: { [banner]: licenceComment(packages) } })
}

// Styles that scripts import: ours are in page.css.
await buildWithLicences(
  { entryPoints: ['src/page/main.ts'], entryNames: 'page', format: 'iife', loader: { '.css': 'empty' } },
  'js',
)
await buildWithLicences({ entryPoints: ['src/page/page.css'], entryNames: 'page' }, 'css')

function packagesIn(files) {
  const names = files.flatMap(file => /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? [])
  return [...new Set(names)].sort()
}

// Packages with one text share it: a dozen of d3 have the same.
function licenceComment(packages) {
  const byText = new Map()
  for (const name of packages) {
    const folder = join(ROOT, 'node_modules', name)
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const text = readFileSync(join(folder, 'LICENSE'), 'utf8').trim()
    if (text.includes('*/')) throw new Error(`The licence of ${name} would end the comment that it is in.`)
    const title = `${name} ${version} (${license})`
    byText.set(text, [...(byText.get(text) ?? []), title])
  }
  const blocks = [...byText].map(([text, titles]) => `${titles.join(', ')}\n\n${text}`)
  return blocks.length === 0 ? '' : `/*! Packages in this file, and their licences.\n\n${blocks.join('\n\n')}\n*/`
}

// What would end the element around it, or keep it from ending, is nowhere in it: the report puts it in as it is.
for (const [file, wrong] of [
  ['page.js', /<\/script|<!--/i],
  ['page.css', /<\/style/i],
]) {
  const [found] = wrong.exec(readFileSync(join(common.outdir, file), 'utf8')) ?? []
  if (found !== undefined) throw new Error(`${file} has ${JSON.stringify(found)} in it`)
}
