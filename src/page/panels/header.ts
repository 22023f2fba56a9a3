// Who, when, where and how much: the facts under the title, links to what the page has, and the theme.
import { countText, durationText, plural } from '../../model/figure-text.js'
import { printedText } from '../../model/names.js'
import type { PageModel } from '../page-model.js'
import { chooseTheme, type ThemeChoice } from '../theme.js'
import { byId, choice, element } from './dom.js'

export function mountHeader(model: PageModel): void {
  byId('title').textContent = printedText(model.title)
  for (const [label, value] of facts(model)) {
    byId('facts').append(element('div', {}, element('dt', {}, label), element('dd', {}, value)))
  }
  byId('theme').append(choice<ThemeChoice>('Theme', ['auto', 'light', 'dark'], 'auto', chooseTheme))
  byId('colophon').textContent = `Made by opscope ${model.opscope}. Everything is in this file; it loads nothing.`
}

function facts(model: PageModel): [label: string, value: string | Node][] {
  const threads = model.threads.filter(thread => thread.rowCount > 0).length
  return [
    ...whenFact(model),
    ...(model.host === '' ? [] : [['host', printedText(model.host)] satisfies [string, string]]),
    ['wall', durationText(model.durationNs)],
    ['spans', `${countText(model.spanCount)} on ${plural(threads, 'thread')}`],
    ...(model.processes.length > 1
      ? [['processes', countText(model.processes.length)] satisfies [string, string]]
      : []),
    ['state', model.state],
    ['GPU', gpuText(model)],
    ...Object.entries(model.attributes).map(([key, value]): [string, string] => [
      printedText(key),
      printedText(String(value)),
    ]),
  ]
}

function whenFact({ originEpochNs }: PageModel): [string, Node][] {
  if (originEpochNs === '0') return []
  const date = new Date(Number(BigInt(originEpochNs) / 1_000_000n))
  if (Number.isNaN(date.getTime())) return []
  const text = `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`
  return [['recorded', element('time', { title: date.toLocaleString() }, text)]]
}

function gpuText({ state, gpu, devices }: PageModel): string {
  if (devices.length > 0) {
    const names = devices.map(({ name, device }) => (name === '' ? `GPU ${device}` : printedText(name)))
    return [...new Set(names)].join(', ')
  }
  if (state === 'CPU') return 'not recorded (state CPU)'
  return gpu.available ? 'no work recorded' : `none (${printedText(gpu.reason ?? 'unknown reason')})`
}
