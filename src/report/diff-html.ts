// A diff as one page without a script: the answer, then a table per kind with the interval of each change drawn.
import { createHash } from 'node:crypto'

import { escapeHtml } from '../html-text.js'
import { isChange } from '../model/diff/changes.js'
import type { Diff } from '../model/diff/diff.js'
import type { CheckedDiffOptions } from '../model/diff/options.js'
import type { DiffFigures } from '../model/diff/rows.js'
import { changeText, durationText } from '../model/figure-text.js'
import { headline, sentencesOf } from './diff-headline.js'
import {
  callsText,
  type DiffTable,
  intervalText,
  methodFacts,
  OVERALL_HEADS,
  OVERALL_NOTE,
  overallCells,
  signedDuration,
  tablesOf,
  verdictText,
} from './diff-report.js'

// The colours are those of src/page/styles/tokens.css; a test compares them.
const STYLE = `
:root { color-scheme: light dark; --bg: #ffffff; --surface: #f6f7f9; --fg: #1c2128; --muted: #57606a; --line: #dfe3e8; --bad: #b1241c; --bad-soft: #fdeceb; --good: #1a6b36; --accent: #0a57c2; --accent-soft: #e6effc; }
@media screen and (prefers-color-scheme: dark) { :root { --bg: #14181d; --surface: #1b2027; --fg: #e4e9ef; --muted: #9ba6b3; --line: #2c333c; --bad: #ff9a91; --bad-soft: #3b1d1c; --good: #7fce94; --accent: #82b4ff; --accent-soft: #1c2f4a; } }
body { margin: 0 auto; max-width: 1280px; padding: 24px; background: var(--bg); color: var(--fg); font: 13px / 1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; font-variant-numeric: tabular-nums; }
h1 { margin: 0 0 8px; font-size: 20px; font-weight: 600; line-height: 1.4; overflow-wrap: anywhere; }
h2 { margin: 32px 0 8px; font-size: 15px; font-weight: 600; }
h2 small, p, caption { color: var(--muted); font-size: 13px; font-weight: 400; }
p { margin: 4px 0; }
p.answer { color: var(--fg); font-size: 14px; }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 3px 8px; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { color: var(--muted); font-weight: 500; }
td:first-child, th:first-child { min-width: 220px; text-align: left; white-space: normal; overflow-wrap: anywhere; font: 12px / 1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
th:first-child { font-family: inherit; }
td.text, th.text { text-align: left; }
tr.slower td.text, tr.added td.text { color: var(--bad); }
tr.faster td.text, tr.removed td.text { color: var(--good); }
tr.changed td { background: var(--surface); }
tr.quiet td { color: var(--muted); }
svg { display: block; margin-left: auto; }
svg .zone { fill: var(--accent-soft); }
svg .axis { stroke: var(--line); }
svg .interval { stroke: var(--muted); stroke-width: 2; }
svg circle { fill: var(--muted); }
tr.slower svg .interval { stroke: var(--bad); } tr.slower svg circle { fill: var(--bad); }
tr.faster svg .interval { stroke: var(--good); } tr.faster svg circle { fill: var(--good); }
`

/** A self-contained document: nothing is loaded, nothing runs. */
export function diffPage(diff: Diff, options: CheckedDiffOptions): string {
  const hash = createHash('sha256').update(STYLE).digest('base64')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>opscope diff</title>
<style>${STYLE}</style>
</head>
<body>
${bodyOf(diff, options)}
</body>
</html>
`
}

/** The same for notebooks, which have styles of their own: the answer and what changed. */
export function diffHtml(diff: Diff, options: CheckedDiffOptions): string {
  const tables = tablesOf(diff).map(table => ({ ...table, rows: table.rows.filter(isChange) }))
  return [
    `<p><b>${escapeHtml(headline(diff, options))}</b></p>`,
    ...tables.filter(({ rows }) => rows.length > 0).map(table => tableHtml(table, options)),
  ].join('\n')
}

function bodyOf(diff: Diff, options: CheckedDiffOptions): string {
  const facts = methodFacts(diff, options).join(' · ')
  const [answer = '', ...others] = sentencesOf(diff, options)
  return [
    `<h1>${escapeHtml(answer)}</h1>`,
    ...others.map(text => `<p class="answer">${escapeHtml(text)}</p>`),
    ...[facts, ...diff.notes].filter(text => text !== '').map(text => `<p>${escapeHtml(text)}</p>`),
    ...tablesOf(diff)
      .filter(({ rows }) => rows.length > 0)
      .flatMap(table => [titleHtml(table.title, table.note), tableHtml(table, options)]),
    ...(diff.overall.length > 0 ? [titleHtml('Overall', OVERALL_NOTE), overallHtml(diff)] : []),
  ].join('\n')
}

function titleHtml(title: string, note: string | undefined): string {
  return `<h2>${escapeHtml(title)}${note === undefined ? '' : ` <small>${escapeHtml(note)}</small>`}</h2>`
}

function tableHtml({ rows, nameOf, moved }: DiffTable, { minChange }: CheckedDiffOptions): string {
  // What changed first, then what cannot be told, in the order asked for.
  const rank = (row: DiffFigures) => (isChange(row) ? 0 : row.verdict === 'unsure' ? 1 : 2)
  const sorted = rows.toSorted((a, b) => rank(a) - rank(b))
  const reach = reachOf(rows, minChange)
  const heads = [
    'Name',
    'Calls',
    'Before',
    'After',
    'Change',
    'Interval',
    '',
    ...(moved ? ['Moved'] : []),
    'Effect',
    'Verdict',
  ]
  const lines = sorted.map(row => {
    const time = (side: 'before' | 'after') => (row.calls[side] === 0 ? '–' : durationText(row.medianNs[side]))
    const cells = [
      escapeHtml(nameOf(row)),
      callsText(row),
      time('before'),
      time('after'),
      row.change === null ? '–' : changeText(row.change.ratio),
      intervalText(row),
      intervalSvg(row, minChange, reach),
      ...(moved === undefined ? [] : [moved(row)]),
      signedDuration(row.effectNs),
    ]
    const kind = [row.verdict, isChange(row) ? 'changed' : row.verdict === 'same' ? 'quiet' : ''].join(' ').trim()
    return `<tr class="${kind}">${cells.map(cell => `<td>${cell}</td>`).join('')}<td class="text">${verdictText(row)}</td></tr>`
  })
  const head = heads.map((text, at) => `<th scope="col"${at === heads.length - 1 ? ' class="text"' : ''}>${text}</th>`)
  return `<div class="wide"><table><thead><tr>${head.join('')}</tr></thead><tbody>\n${lines.join('\n')}\n</tbody></table></div>`
}

function overallHtml({ overall }: Diff): string {
  const line = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map(cell => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`
  const rows = overall.map(row => line(overallCells(row), 'td'))
  return `<div class="wide"><table><thead>${line(OVERALL_HEADS, 'th')}</thead><tbody>${rows.join('\n')}</tbody></table></div>`
}

const SVG_WIDTH = 160
const SVG_HEIGHT = 14
// Wider ones are cut: a factor of 4 beside changes of a few percent would make all of those a dot on the axis.
const MOST_REACH = Math.log(4)

/** Logarithm at the ends of the drawing. */
function reachOf(rows: readonly DiffFigures[], minChange: number): number {
  const ends = rows.flatMap(({ change }) => (change === null ? [] : [Math.abs(Math.log1p(change.ratio))]))
  return Math.min(MOST_REACH, Math.max(3 * Math.log1p(minChange), 0.05, 1.2 * ends.reduce((a, b) => Math.max(a, b), 0)))
}

/** The change and its interval on a logarithmic axis; the zone in the middle is what does not count. */
function intervalSvg({ change }: DiffFigures, minChange: number, reach: number): string {
  if (change === null) return ''
  const at = (ratio: number | null, end: number) => {
    const share = ratio === null ? end : Math.max(-1, Math.min(1, Math.log1p(ratio) / reach))
    return ((share + 1) * (SVG_WIDTH / 2 - 4) + 4).toFixed(1)
  }
  const middle = SVG_HEIGHT / 2
  const zone = [1 / (1 + minChange) - 1, minChange].map(ratio => Number(at(ratio, 0)))
  const [left = 0, right = 0] = zone
  const [low, value, high] = [at(change.low, -1), at(change.ratio, 0), at(change.high, 1)]
  return [
    `<svg width="${SVG_WIDTH}" height="${SVG_HEIGHT}" aria-hidden="true">`,
    `<rect class="zone" x="${left.toFixed(1)}" y="0" width="${(right - left).toFixed(1)}" height="${SVG_HEIGHT}"/>`,
    `<line class="axis" x1="${SVG_WIDTH / 2}" x2="${SVG_WIDTH / 2}" y1="0" y2="${SVG_HEIGHT}"/>`,
    `<line class="interval" x1="${low}" x2="${high}" y1="${middle}" y2="${middle}"/>`,
    `<circle cx="${value}" cy="${middle}" r="3"/></svg>`,
  ].join('')
}
