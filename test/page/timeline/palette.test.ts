// Names on blocks can be read in both themes, and blocks can be seen on the page.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { describe, expect, it } from 'vitest'

import { oklch, shadeOf, TONE_STEP } from '../../../src/page/timeline/palette.js'

const read = (file: string) =>
  readFileSync(fileURLToPath(new URL(`../../../src/page/${file}`, import.meta.url)), 'utf8')
const css = read('timeline/timeline.css')
const [light = '', dark = ''] = read('styles/tokens.css').split('@media')
const numbersOf = (name: string) => new RegExp(`${name}: ([^;]*);`).exec(css)![1]!.split(' ').map(Number)
const HUES = ['op', 'request', 'api', 'quiet', 'wait', 'kernel', 'copy', 'fill']

type Rgb = [number, number, number]
function hexOf(block: string, name: string): Rgb {
  const hex = new RegExp(`--${name}: #([0-9a-f]{6})`).exec(block)![1]!
  return [0, 2, 4].map(at => Number.parseInt(hex.slice(at, at + 2), 16)) as Rgb
}
/** Relative luminance and contrast of WCAG 2. */
function luminance(colour: Rgb): number {
  const [red, green, blue] = colour
    .map(channel => channel / 255)
    .map(value => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!
}
function contrast(a: Rgb, b: Rgb): number {
  const [darker, lighter] = [luminance(a), luminance(b)].sort((x, y) => x - y)
  return (lighter! + 0.05) / (darker! + 0.05)
}

it('makes the colours that CSS makes of the same lightness, chroma and hue', () => {
  // From the specification of CSS Color 4: oklch(62.796% 0.25768 29.234) is red.
  expect(oklch(0.62796, 0.25768, 29.234)).toEqual([255, 0, 0])
  expect(oklch(0.51975, 0.17686, 142.495)).toEqual([0, 128, 0])
  expect(oklch(1, 0, 0)).toEqual([255, 255, 255])
})

describe.each([
  ['light', light],
  ['dark', dark],
])('in the %s theme', (theme, tokens) => {
  const [lightness = 0, chroma = 0] = numbersOf(`--track-tone-${theme}`)
  const shades = HUES.flatMap(group => {
    const [from = 0, to = 0, strength = 1] = numbersOf(`--track-${group}`)
    return [from, (from + to) / 2, to].flatMap(hue =>
      [-TONE_STEP, TONE_STEP].map(step => oklch(lightness + step, chroma * strength, hue)),
    )
  })
  it('names on every shade can be read', () => {
    for (const shade of shades) expect(contrast(shade, hexOf(tokens, 'on-fill'))).toBeGreaterThanOrEqual(4.5)
  })
  it('every shade is seen on the page', () => {
    for (const shade of shades) expect(contrast(shade, hexOf(tokens, 'bg'))).toBeGreaterThanOrEqual(1.5)
  })
  it('what failed is seen on every shade', () => {
    for (const shade of shades) expect(contrast(shade, hexOf(tokens, 'bad'))).toBeGreaterThanOrEqual(3)
  })
})

it('gives a name the same shade each time, and different names many', () => {
  const names = Array.from({ length: 100 }, (_, i) => `layer ${i}`)
  const shades = names.map(name => shadeOf('op', name))
  expect(names.map(name => shadeOf('op', name))).toEqual(shades)
  expect(new Set(shades)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7]))
  expect(new Set(names.map(name => shadeOf('kernel', name) >> 3))).toEqual(new Set([5]))
})
