// The top of the page: what is missing, what to do next, where the time went.
import { bytesText, countText, durationText, percentText, plural } from '../../model/figure-text.js'
import { printedPath } from '../../model/names.js'
import type { PageFinding, PageModel } from '../page-model.js'
import type { PanelContext } from './context.js'
import { button, element, fillSection, setShare } from './dom.js'

export function mountMissing({ missing }: PageModel): void {
  if (missing.length === 0) {
    fillSection(
      'missing',
      element('p', { class: 'nothing-missing quiet' }, 'Nothing: every span and GPU record is here.'),
    )
    return
  }
  const items = missing.map(({ text, code, count }) =>
    element(
      'li',
      {},
      text,
      element('span', { class: 'with-code' }, count > 1 ? `${code} × ${countText(count)}` : code),
    ),
  )
  fillSection('missing', element('ul', { class: 'gaps-stated' }, ...items))
}

export function mountFindings(context: PanelContext): void {
  const { findings } = context.model
  if (findings.length === 0) {
    fillSection(
      'findings',
      element('p', { class: 'quiet' }, 'None: no figure of this recording is over its threshold.'),
    )
    return
  }
  fillSection(
    'findings',
    element('ol', { class: 'findings' }, ...findings.map(finding => findingItem(finding, context))),
  )
}

function findingItem(finding: PageFinding, context: PanelContext): HTMLElement {
  const { severity, op, figure, remedy, code, place } = finding
  const about = op.length === 0 ? code : printedPath(op)
  return element(
    'li',
    {},
    element('span', { class: `severity severity-${severity}` }, severity),
    element(
      'p',
      {},
      button(about, () => context.showPlace(place), { class: 'link', title: PLACE_TEXT[place.kind] }),
      `${op.length === 0 ? ': ' : ' '}${figure}`,
      op.length === 0 ? undefined : element('span', { class: 'with-code' }, code),
    ),
    element('p', { class: 'remedy' }, remedy),
  )
}
const PLACE_TEXT = { op: 'Show its row', time: 'Show on the timeline', section: 'Show the section' } as const

export function mountOverhead({ overhead, copies, devices }: PageModel): void {
  if (overhead.accumulatedNs <= 0) return
  const { accumulatedNs, computationNs, computationRatio, frameworkNs, frameworkRatio, hasPhases, elapsedNs } = overhead
  const parts = [
    { label: hasPhases ? 'Computation' : 'In leaf ops', ns: computationNs, ratio: computationRatio, colour: 'kernel' },
    { label: hasPhases ? 'Framework overhead' : 'Around them', ns: frameworkNs, ratio: frameworkRatio, colour: 'copy' },
  ]
  const bars = parts.map(({ ratio, colour }) => {
    const bar = element('span', { class: `colour-${colour}` })
    setShare(bar, ratio)
    return bar
  })
  const legend = parts.map(({ label, ns, ratio, colour }) =>
    element('li', { class: `colour-${colour}` }, `${label} ${percentText(ratio)}, ${durationText(ns)}`),
  )
  const busy = devices.map(
    ({ device, busyOfRecordedRatio }) =>
      `GPU${devices.length > 1 ? ` ${device}` : ''} busy ${percentText(busyOfRecordedRatio)} of the recorded time`,
  )
  const facts = [
    `${durationText(accumulatedNs)} in ops${elapsedNs === undefined ? '' : ` (${durationText(elapsedNs)} elapsed)`}`,
    ...(copies.calls > 0
      ? [
          `${percentText(copies.ratio)} in ${plural(copies.calls, 'copy call')}, ` +
            bytesText(copies.rows.reduce((bytes, row) => bytes + row.bytes, 0)),
        ]
      : []),
    ...busy,
  ]
  fillSection(
    'overhead',
    element('p', { class: 'note' }, `${facts.join(' · ')}${overhead.isClamped ? CLAMPED : ''}`),
    element('div', { class: 'stack', 'aria-hidden': 'true' }, ...bars),
    element('ul', { class: 'legend' }, ...legend),
  )
}
const CLAMPED = ' · ops of other threads computed longer than the ops around them: the overhead is shown as none'
