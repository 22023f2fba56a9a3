import { readFileSync } from 'node:fs'

import { expect, it } from 'vitest'

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

// Current npm does not run them without the user's consent, and nothing of opscope may depend on it.
it('has no script that runs when the package is installed', () => {
  const scripts = Object.keys(manifest.scripts)
  for (const name of ['preinstall', 'install', 'postinstall', 'preprepare', 'postprepare']) {
    expect(scripts).not.toContain(name)
  }
  expect(manifest.gypfile).toBe(false)
})

// npm would run it before every "npm run build".
it('has no script named prebuild', () => {
  expect(Object.keys(manifest.scripts)).not.toContain('prebuild')
})

it('needs three small packages at run time and no compiler', () => {
  expect(Object.keys(manifest.dependencies).sort()).toEqual(['commander', 'node-gyp-build', 'string-width'])
})

// Without the key cmake-js downloads the headers of Node. A version above 9 does not load on Node 20.
it('builds against Node-API 8 without downloading headers', () => {
  expect(manifest.binary.napi_versions).toEqual([8])
})
