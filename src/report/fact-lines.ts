import { padEnd, pieces, textWidth } from '../text-width.js'

/** A label and its figures. */
export type Fact = [label: string, figures: string[]]

export function factLines(facts: readonly Fact[], width: number): string[] {
  const label = facts.reduce((widest, [name]) => Math.max(widest, textWidth(name)), 0)
  const indent = ' '.repeat(2 + label + 2)
  return facts.flatMap(([name, figures]) =>
    pieces(figures, width, indent).map((line, at) =>
      at === 0 ? `  ${padEnd(name, label)}  ${line.trimStart()}` : line,
    ),
  )
}
