// What is bundled is given away with the page, so its licences come along.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { describe, expect, it } from 'vitest'

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const read = (path: string) => readFileSync(at(path), 'utf8')
const script = read('lib/page/page.js')
const style = read('lib/page/page.css')

describe('the built page', () => {
  it.each(['uplot', 'd3-flame-graph', 'd3-selection', 'd3-hierarchy', 'd3-transition', 'd3-scale'])(
    'has the licence of %s with its script',
    name => {
      const { version, license } = JSON.parse(read(`node_modules/${name}/package.json`))
      expect(script).toContain(`${name} ${version} (${license})`)
      expect(script).toContain(read(`node_modules/${name}/LICENSE`).trim())
    },
  )
  it('has the licence of the style that it takes from elsewhere', () => {
    expect(style).toContain(read('node_modules/uplot/LICENSE').trim())
  })
  it('can stand in a page: nothing in it ends its element, or asks for anything', () => {
    expect(script.toLowerCase()).not.toMatch(/<\/script|<!--/)
    expect(style.toLowerCase()).not.toMatch(/<\/style|@import|url\((?!["']?#)/)
  })
})
