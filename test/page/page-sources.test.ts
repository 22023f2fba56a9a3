// What comes from a recording can only become text, a harmless attribute or a drawn glyph.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { describe, expect, it } from 'vitest'

import { SHELL } from '../../src/page/shell.js'

const FOLDER = fileURLToPath(new URL('../../src/page', import.meta.url))
const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))

const FORBIDDEN: [what: string, pattern: RegExp][] = [
  [
    'markup from text',
    /\.(?:innerHTML|outerHTML|srcdoc)\b|insertAdjacentHTML|createContextualFragment|DOMParser|setHTMLUnsafe/,
  ],
  ['a document that is written', /document\.write/],
  ['text that is run', /\beval\(|new Function\(|setTimeout\(\s*['"`]|import\(/],
  [
    'a place to go to',
    /\.(?:href|src|action|formAction)\s*=(?!=)|location\s*=(?!=)|location\.(?:assign|replace)|window\.open/,
  ],
  ['an attribute that acts', /setAttribute\(\s*['"`](?:on|style|href|src|xlink|srcdoc|action|formaction)/i],
  ['a handler as an attribute', /\.on(?:click|load|error|key\w+|mouse\w+|pointer\w+|focus|blur|input|change)\s*=(?!=)/],
  ['style as text', /\.cssText\b|\.style\s*=(?!=)/],
  ['the network', /\bfetch\((?!\s*`data:)|XMLHttpRequest|WebSocket|EventSource|sendBeacon|new Image\(/],
]

describe('the sources of the page', () => {
  it.each(FORBIDDEN)('have no %s', (_what, pattern) => {
    expect(files).not.toEqual([])
    const found = files.flatMap(file =>
      readFileSync(join(FOLDER, file), 'utf8')
        .split('\n')
        .flatMap((line, at) => (pattern.test(line) ? [`${file}:${at + 1} ${line.trim()}`] : [])),
    )
    expect(found).toEqual([])
  })

  it('link only to places of the page itself', () => {
    const targets = [...SHELL.matchAll(/href="([^"]*)"/g)].map(match => match[1]!)
    expect(targets).not.toEqual([])
    const ids = new Set([...SHELL.matchAll(/\bid="([^"]*)"/g)].map(match => `#${match[1]}`))
    expect(targets.filter(target => !ids.has(target))).toEqual([])
    expect(SHELL).not.toMatch(/\son\w+=|\sstyle=|\ssrc=|<script|<iframe/)
  })
})
