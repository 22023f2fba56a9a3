import stringWidth from 'string-width'

const segments = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** Cells that the text takes in a terminal: two for CJK and emoji, none for combining marks. */
export function textWidth(text: string): number {
  return /^[\x20-\x7e]*$/.test(text) ? text.length : stringWidth(text)
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - textWidth(text)))
}
export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - textWidth(text))) + text
}

/** Cut in the middle, where paths and generated names say the least; never inside a character. */
export function cutMiddle(text: string, width: number): string {
  if (textWidth(text) <= width) return text
  if (width < 1) return ''
  const characters = Array.from(segments.segment(text), ({ segment }) => segment)
  const room = width - 1
  const head = take(characters, Math.ceil(room / 2))
  const tail = take(characters.toReversed(), room - textWidth(head.join(''))).reverse()
  return `${head.join('')}…${tail.join('')}`
}

function take(characters: readonly string[], width: number): string[] {
  const taken: string[] = []
  let used = 0
  for (const character of characters) {
    used += textWidth(character)
    if (used > width) break
    taken.push(character)
  }
  return taken
}

/** Lines of at most `width` cells, broken at spaces but not before a unit; a longer word is cut in the middle. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/ (?!(?:ns|µs|ms|s|KiB|MiB|GiB)\b)/)) {
    const longer = line === '' ? word : `${line} ${word}`
    if (textWidth(longer) <= width) line = longer
    else {
      if (line !== '') lines.push(line)
      line = cutMiddle(word, width)
    }
  }
  return line === '' ? lines : [...lines, line]
}

/** Facts joined by dots, broken between facts. */
export function pieces(facts: readonly string[], width: number, indent: string): string[] {
  const lines: string[] = []
  for (const fact of facts) {
    const last = lines.at(-1)
    const joined = last === undefined ? '' : `${last} · ${fact}`
    if (last !== undefined && textWidth(joined) <= width) lines[lines.length - 1] = joined
    else lines.push(...wrap(fact, width - indent.length).map(line => indent + line))
  }
  return lines
}
