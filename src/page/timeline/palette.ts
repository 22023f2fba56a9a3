// The colours of the canvas, from the custom properties of the page (timeline.css tells what they mean).
import { CATEGORIES, type PageRecording } from '../recording.js'

const GROUPS = ['op', 'request', 'api', 'quiet', 'wait', 'kernel', 'copy', 'fill'] as const
type ColourGroup = (typeof GROUPS)[number]
const SHADES = 8
/** A busy pixel is as strong as it is busy, in steps; level 0 is a hairline, LEVELS - 1 is full. */
export const LEVELS = 9
// Of a hairline: below, single short events fade into the background; measured by eye in both schemes.
const WEAKEST = 0.45
const DIMMED = 0.18
export const TONE_STEP = 0.025

const GROUP_OF_CATEGORY: Record<(typeof CATEGORIES)[number], ColourGroup> = {
  user: 'op',
  section: 'op',
  inference: 'op',
  cpu_op: 'op',
  runtime_api: 'api',
  device: 'kernel',
  memcpy: 'copy',
  sync: 'wait',
  overhead: 'quiet',
  gc: 'quiet',
  event_loop: 'quiet',
  request: 'request',
}
const GROUP_OF_GPU_KIND: readonly ColourGroup[] = ['kernel', 'copy', 'fill', 'wait']

/** Which shade things have: a number below 64 that a name always has. */
export class Shades {
  /** By index into names, and into strings as API calls and as each GPU kind. */
  readonly names: Uint8Array
  readonly calls: Uint8Array
  readonly gpu: readonly Uint8Array[]

  constructor({ names, strings }: PageRecording) {
    this.names = Uint8Array.from(names, ({ text, category }) =>
      shadeOf(GROUP_OF_CATEGORY[CATEGORIES[category] ?? 'user'], text),
    )
    this.calls = Uint8Array.from(strings, text => shadeOf('api', text))
    this.gpu = GROUP_OF_GPU_KIND.map(group => Uint8Array.from(strings, text => shadeOf(group, text)))
  }
}
/** One of the eight of a group, the same for the same name. */
export function shadeOf(group: ColourGroup, text: string): number {
  // FNV-1a: neighbouring names get shades far apart.
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return GROUPS.indexOf(group) * SHADES + (((hash >>> 15) ^ hash) & (SHADES - 1))
}

type Rgb = [number, number, number]

export interface Palette {
  bg: string
  fg: string
  muted: string
  line: string
  accent: string
  /** What failed. */
  bad: string
  /** Of names on their events. */
  label: string
  /** Pixels of image data: shade * LEVELS + level. */
  pixels: Uint32Array
  /** The same for what a search does not match. */
  dimmed: Uint32Array
  /** Full strength, as CSS. */
  shades: string[]
}

/** Reads the colours as they are now: again after each change of the scheme. */
export function readPalette(host: HTMLElement): Palette {
  const style = getComputedStyle(host)
  const read = (name: string, otherwise: string) => style.getPropertyValue(name).trim() || otherwise
  const bg = read('--bg', '#fff')
  const back = rgbOf(bg)
  const isDark = back[0] + back[1] + back[2] < 384
  const [lightness = 0.8, chroma = 0.07] = numbers(read(isDark ? '--track-tone-dark' : '--track-tone-light', ''))
  const pixels = new Uint32Array(GROUPS.length * SHADES * LEVELS)
  const dimmed = new Uint32Array(pixels.length)
  const shades: string[] = []
  for (const group of GROUPS) {
    const [from = 0, to = 360, strength = 1] = numbers(read(`--track-${group}`, ''))
    for (let step = 0; step < SHADES; step++) {
      const share = step / (SHADES - 1)
      // Neighbouring hues differ in lightness too, for those who see no hues.
      const tone = lightness + (step % 2 === 0 ? TONE_STEP : -TONE_STEP)
      const colour = oklch(tone, chroma * strength, from + share * (to - from))
      for (let level = 0; level < LEVELS; level++) {
        const weight = WEAKEST + ((1 - WEAKEST) * level) / (LEVELS - 1)
        pixels[shades.length * LEVELS + level] = packed(mixed(back, colour, weight))
        dimmed[shades.length * LEVELS + level] = packed(mixed(back, colour, DIMMED * weight))
      }
      shades.push(`rgb(${colour.join(' ')})`)
    }
  }
  return {
    bg,
    fg: read('--fg', isDark ? '#eee' : '#111'),
    muted: read('--muted', isDark ? '#999' : '#666'),
    line: read('--line', isDark ? '#333' : '#ddd'),
    accent: read('--accent', '#2563eb'),
    bad: read('--bad', '#b1241c'),
    label: read('--on-fill', isDark ? '#fff' : '#000'),
    pixels,
    dimmed,
    shades,
  }
}

const numbers = (text: string): number[] => (text === '' ? [] : text.split(/\s+/).map(Number))
const mixed = (from: Rgb, to: Rgb, weight: number): Rgb =>
  [0, 1, 2].map(i => from[i]! + (to[i]! - from[i]!) * weight) as Rgb
// Image data is red, green, blue, alpha in memory; every machine with a browser is little-endian.
const packed = ([red, green, blue]: Rgb): number =>
  (0xff000000 | (Math.round(blue) << 16) | (Math.round(green) << 8) | Math.round(red)) >>> 0

/** Any colour that CSS knows, as the browser itself understands it. */
function rgbOf(css: string): Rgb {
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = 1
  const context = canvas.getContext('2d', { willReadFrequently: true })!
  context.fillStyle = css
  context.fillRect(0, 0, 1, 1)
  const [red = 0, green = 0, blue = 0] = context.getImageData(0, 0, 1, 1).data
  return [red, green, blue]
}

/** Björn Ottosson's Oklab to sRGB (bottosson.github.io/posts/oklab), out-of-range channels clipped. */
export function oklch(lightness: number, chroma: number, hue: number): Rgb {
  const a = chroma * Math.cos((hue * Math.PI) / 180)
  const b = chroma * Math.sin((hue * Math.PI) / 180)
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map(linear => {
    const clipped = Math.min(1, Math.max(0, linear))
    return Math.round(255 * (clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055))
  }) as Rgb
}
