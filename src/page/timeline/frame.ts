// The timeline's elements. Texts of the recording come in by textContent alone.

export interface Frame {
  root: HTMLElement
  search: HTMLInputElement
  matches: HTMLElement
  status: HTMLElement
  buttons: Record<ButtonName, HTMLButtonElement>
  corner: HTMLElement
  head: HTMLCanvasElement
  scroller: HTMLElement
  sticky: HTMLElement
  spacer: HTMLElement
  names: HTMLElement
  plot: HTMLElement
  tracks: HTMLCanvasElement
  overlay: HTMLCanvasElement
  tip: HTMLElement
  live: HTMLElement
  help: HTMLDialogElement
}
export type ButtonName = 'previous' | 'next' | 'nearer' | 'farther' | 'all' | 'fold' | 'clock' | 'help'

/** What the help tells, and docs/timeline-view.md. */
const CONTROLS: readonly [string, string][] = [
  ['drag', 'pan; up and down too'],
  ['ctrl + wheel, pinch', 'zoom at the pointer'],
  ['shift + wheel', 'pan; the wheel alone scrolls'],
  ['shift + drag, drag on the axis', 'select a range: tables below follow it'],
  ['click, enter', 'select: what it launched or was launched by is joined to it'],
  ['double-click, f', 'zoom to it'],
  ['w s, + −', 'zoom'],
  ['a d', 'pan'],
  ['← → ↑ ↓', 'go from event to event, from row to row'],
  ['home end', 'first and last event of the row'],
  ['0', 'the whole recording'],
  ['r', 'the range of the event'],
  ['space', 'fold or unfold the track'],
  ['/', 'search; enter and shift + enter, or n and N, step through what was found'],
  ['esc', 'undo, one at a time: selection, range, search'],
]

export function makeFrame(): Frame {
  const search = make('input', {
    type: 'search',
    placeholder: 'Search names',
    'aria-label': 'Search names on the timeline',
    spellcheck: 'false',
    autocomplete: 'off',
  })
  const matches = make('output', { class: 'timeline-matches' })
  const status = make('span', { class: 'timeline-hint' })
  const buttons: Record<ButtonName, HTMLButtonElement> = {
    previous: button('↑', 'Previous match (N)'),
    next: button('↓', 'Next match (n)'),
    nearer: button('+', 'Zoom in (w)'),
    farther: button('−', 'Zoom out (s)'),
    all: button('All', 'The whole recording (0)'),
    fold: button('Fold', 'Fold all tracks'),
    clock: button('Clock', 'Times of the wall clock, UTC'),
    help: button('?', 'Keys and mouse (?)'),
  }
  for (const toggle of [buttons.fold, buttons.clock]) toggle.setAttribute('aria-pressed', 'false')
  const corner = make('div', { class: 'timeline-corner' })
  const head = make('canvas', { 'aria-hidden': 'true' })
  const names = make('div', { class: 'timeline-names' })
  const tracks = make('canvas', { class: 'timeline-tracks', 'aria-hidden': 'true' })
  const overlay = make('canvas', {
    class: 'timeline-overlay',
    tabindex: '0',
    role: 'application',
    'aria-roledescription': 'timeline',
    'aria-label': 'Timeline. Arrow keys go from event to event, question mark lists all keys.',
  })
  const plot = make('div', { class: 'timeline-plot' }, tracks, overlay)
  const sticky = make('div', { class: 'timeline-sticky' }, names, plot)
  const spacer = make('div', {})
  const scroller = make('div', { class: 'timeline-scroll', tabindex: '-1' }, sticky, spacer)
  const tip = make('div', { class: 'timeline-tip', 'aria-hidden': 'true' })
  tip.hidden = true
  const live = make('p', { class: 'timeline-live', 'aria-live': 'polite', 'aria-atomic': 'true' })
  const help = makeHelp()
  const bar = make(
    'div',
    { class: 'timeline-bar', role: 'toolbar', 'aria-label': 'Timeline' },
    search,
    matches,
    buttons.previous,
    buttons.next,
    status,
    ...[buttons.nearer, buttons.farther, buttons.all, buttons.fold, buttons.clock, buttons.help],
  )
  const root = make(
    'div',
    { class: 'timeline' },
    bar,
    make('div', { class: 'timeline-head' }, corner, head),
    scroller,
    ...[tip, live, help],
  )
  return {
    ...{ root, search, matches, status, buttons, corner, head, scroller, sticky, spacer },
    ...{ names, plot, tracks, overlay, tip, live, help },
  }
}

function makeHelp(): HTMLDialogElement {
  const list = make('dl', {})
  for (const [keys, what] of CONTROLS) list.append(make('dt', {}, keys), make('dd', {}, what))
  const note = make(
    'p',
    {},
    'Where many events share a pixel it has the colour of the longest, and is as strong as it is busy. None is left out: the shortest leaves a hairline. A corner marks what failed, an open end what had not finished.',
  )
  const close = button('Close', 'Close')
  const help = make(
    'dialog',
    { class: 'timeline-help', 'aria-label': 'Keys and mouse of the timeline' },
    make('h3', {}, 'Timeline'),
    list,
    note,
    close,
  )
  close.addEventListener('click', () => help.close())
  return help
}

function button(text: string, label: string): HTMLButtonElement {
  return make('button', { type: 'button', title: label, 'aria-label': label }, text)
}

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string>,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}
