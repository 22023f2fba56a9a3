// Text can be read in both themes: WCAG's contrast of every pair of colours that the styles put on each other.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { describe, expect, it } from 'vitest'

const css = readFileSync(fileURLToPath(new URL('../../src/page/styles/tokens.css', import.meta.url)), 'utf8')
const [light = '', dark = ''] = css.split('@media')

function colours(block: string): Map<string, string> {
  return new Map([...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map(match => [match[1]!, match[2]!]))
}

/** Relative luminance of WCAG 2. */
function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5]
    .map(at => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map(value => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!
}
function contrast(a: string, b: string): number {
  const [darker, lighter] = [luminance(a), luminance(b)].sort((x, y) => x - y)
  return (lighter! + 0.05) / (darker! + 0.05)
}

const FILLS = ['host', 'request', 'kernel', 'copy', 'fill', 'sync', 'gc', 'launch', 'highlight']
const HUES = Array.from({ length: 8 }, (_, hue) => `hue-${hue}`)
const TEXTS: [text: string, grounds: string[]][] = [
  ['fg', ['bg', 'surface', 'accent-soft', 'warn-soft']],
  ['muted', ['bg', 'surface', 'accent-soft', 'warn-soft']],
  ['accent', ['bg', 'surface', 'accent-soft']],
  ['warn', ['bg', 'warn-soft']],
  ['bad', ['bg', 'bad-soft']],
  ['good', ['bg']],
  ['on-fill', [...FILLS, ...HUES]],
]
const pairs = TEXTS.flatMap(([text, grounds]) => grounds.map(ground => [text, ground] as const))

describe.each([
  ['light', colours(light)],
  ['dark', new Map([...colours(light), ...colours(dark)])],
])('the %s theme', (_name, theme) => {
  it.each(pairs)('has text in --%s that can be read on --%s', (text, ground) => {
    expect(contrast(theme.get(text)!, theme.get(ground)!)).toBeGreaterThanOrEqual(4.5)
  })
  it('has borders of controls that can be seen', () => {
    expect(contrast(theme.get('edge')!, theme.get('bg')!)).toBeGreaterThanOrEqual(3)
  })
})

it('has every colour in both themes', () => {
  expect([...colours(dark).keys()]).toEqual([...colours(light).keys()])
})
