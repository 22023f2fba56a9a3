import { make } from './frame.js'

const DISTANCE_PX = 14

/** Shows lines beside the pointer, inside of the root; none: hides it. */
export function showTip(tip: HTMLElement, root: HTMLElement, x: number, y: number, lines: readonly string[]): void {
  tip.hidden = lines.length === 0
  if (tip.hidden) return
  tip.replaceChildren(...lines.map(line => make('div', {}, line)))
  const left =
    x + DISTANCE_PX + tip.offsetWidth > root.clientWidth ? x - DISTANCE_PX - tip.offsetWidth : x + DISTANCE_PX
  const top =
    y + DISTANCE_PX + tip.offsetHeight > root.clientHeight ? y - DISTANCE_PX - tip.offsetHeight : y + DISTANCE_PX
  tip.style.transform = `translate(${Math.max(0, left)}px, ${Math.max(0, top)}px)`
}
