// Stages of a request as bars on one time axis, in the order in which they begin.
import { countText, durationText } from '../../../model/figure-text.js'
import { printedText } from '../../../model/names.js'
import { element } from '../dom.js'
import type { StageRow } from './request-rows.js'

/** `countsOf`: of how many requests the stages are means; undefined: they are those of one. */
export function waterfall(label: string, stages: readonly StageRow[], lengthNs: number, countOf?: number): HTMLElement {
  const heads = [
    element('th', { class: 'text', scope: 'col' }, 'Stage'),
    element('th', { scope: 'col', title: 'After the start of the request' }, 'Begins'),
    element('th', { scope: 'col' }, 'Lasts'),
    ...(countOf === undefined ? [] : [element('th', { scope: 'col', title: 'Times per request' }, 'Per request')]),
    element('th', { class: 'grow', 'aria-hidden': 'true' }),
  ]
  const whole: StageRow = { name: 'whole request', depth: 0, offsetNs: 0, lengthNs, count: countOf ?? 1 }
  const rows = [whole, ...stages].map((stage, at) => stageRow(stage, at, lengthNs, countOf))
  const table = element(
    'table',
    { 'aria-label': label, class: 'waterfall' },
    element('thead', {}, element('tr', {}, ...heads)),
  )
  table.append(element('tbody', {}, ...rows))
  return element('div', { class: 'scroller' }, table)
}

const HUES = 8

function stageRow(stage: StageRow, at: number, lengthNs: number, countOf: number | undefined): HTMLElement {
  const { name, depth, offsetNs, count } = stage
  const bar = element('span', { class: 'stage' })
  const share = (ns: number): string => String(lengthNs > 0 ? Math.min(1, Math.max(0, ns / lengthNs)) : 0)
  bar.style.setProperty('--from', share(offsetNs))
  bar.style.setProperty('--share', share(Math.min(stage.lengthNs, lengthNs - offsetNs)))
  bar.style.setProperty('--colour', at === 0 ? 'var(--gc)' : `var(--hue-${(at - 1) % HUES})`)
  const label = element('span', { class: 'branch' }, printedText(name))
  label.style.setProperty('--depth', String(depth))
  const perRequest = countOf === undefined ? undefined : count === countOf ? '1' : (count / countOf).toFixed(2)
  return element(
    'tr',
    {},
    element('td', { class: 'text' }, label),
    element('td', {}, durationText(offsetNs)),
    element('td', {}, durationText(stage.lengthNs)),
    perRequest === undefined ? undefined : element('td', { title: `${countText(count)} in all` }, perRequest),
    element('td', { class: 'grow', 'aria-hidden': 'true' }, bar),
  )
}
