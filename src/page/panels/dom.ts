// How panels make elements. Texts become text nodes and attributes are harmless ones, whatever a recording says: there
// is no way here to make markup, a link or a style from a value.

type Name = 'class' | 'id' | 'role' | 'title' | 'type' | 'scope' | 'for' | 'colspan' | 'tabindex' | 'placeholder'
export type Attributes = { [name in Name | `aria-${string}` | `data-${string}`]?: string | number | undefined }
export type Child = Node | string | undefined

/** `element('td', { class: 'text' }, 'matmul')`; children that are undefined are left out. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(name, String(value))
  }
  for (const child of children) if (child !== undefined) made.append(child)
  return made
}

export function button(text: Child, onClick: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const made = element('button', { type: 'button', ...attributes }, text)
  made.addEventListener('click', onClick)
  return made
}

/** The element of the shell with this id. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`The shell has no element "${id}".`)
  return found
}

/** Shows the section of the shell and puts what is given behind its heading. */
export function fillSection(id: string, ...children: Child[]): HTMLElement {
  const section = byId(id)
  const heading = section.querySelector('h2')!
  section.replaceChildren(heading, ...children.filter(child => child !== undefined))
  section.hidden = false
  return section
}

/** A bar of `ratio`, 0..1. The figure stands beside it as text, so nothing is told of it. */
export function shareBar(ratio: number): HTMLElement {
  const bar = element('span', { class: 'share', 'aria-hidden': 'true' })
  setShare(bar, ratio)
  return bar
}
export function setShare(bar: HTMLElement, ratio: number): void {
  bar.style.setProperty('--share', String(Math.min(1, Math.max(0, ratio || 0))))
}

/** Told to screen readers, politely: what a click changed elsewhere on the page. */
export function announce(text: string): void {
  byId('status').textContent = text
}

/** One of a few, as a row of buttons of which one is pressed. */
export function choice<T extends string>(
  label: string,
  options: readonly T[],
  chosen: T,
  onChoose: (option: T) => void,
): HTMLElement {
  const group = element('div', { class: 'choice', role: 'group', 'aria-label': label })
  const buttons = options.map(option =>
    button(option, () => {
      for (const one of buttons) one.setAttribute('aria-pressed', String(one.textContent === option))
      onChoose(option)
    }),
  )
  for (const one of buttons) one.setAttribute('aria-pressed', String(one.textContent === chosen))
  group.append(...buttons)
  return group
}
