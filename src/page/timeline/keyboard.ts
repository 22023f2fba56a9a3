import type { Step } from './walk.js'

export type KeyAction =
  | { do: 'walk'; step: Step }
  | { do: 'zoom'; factor: number }
  | { do: 'pan'; share: number }
  | { do: 'match'; direction: 1 | -1 }
  | { do: 'select' | 'zoomTo' | 'all' | 'range' | 'fold' | 'search' | 'help' | 'escape' }

const ZOOM = 1.5
/** Of what is shown. */
const PAN = 0.2

const ACTIONS: Record<string, KeyAction> = {
  ArrowLeft: { do: 'walk', step: 'earlier' },
  ArrowRight: { do: 'walk', step: 'later' },
  ArrowUp: { do: 'walk', step: 'above' },
  ArrowDown: { do: 'walk', step: 'below' },
  Home: { do: 'walk', step: 'first' },
  End: { do: 'walk', step: 'last' },
  w: { do: 'zoom', factor: ZOOM },
  '+': { do: 'zoom', factor: ZOOM },
  '=': { do: 'zoom', factor: ZOOM },
  s: { do: 'zoom', factor: 1 / ZOOM },
  '-': { do: 'zoom', factor: 1 / ZOOM },
  a: { do: 'pan', share: -PAN },
  d: { do: 'pan', share: PAN },
  n: { do: 'match', direction: 1 },
  N: { do: 'match', direction: -1 },
  Enter: { do: 'select' },
  f: { do: 'zoomTo' },
  '0': { do: 'all' },
  r: { do: 'range' },
  ' ': { do: 'fold' },
  '/': { do: 'search' },
  '?': { do: 'help' },
  Escape: { do: 'escape' },
}

/** What a key means on the canvas; the browser keeps its own shortcuts. */
export function keyAction(event: KeyboardEvent): KeyAction | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey) return undefined
  return Object.hasOwn(ACTIONS, event.key) ? ACTIONS[event.key] : undefined
}
