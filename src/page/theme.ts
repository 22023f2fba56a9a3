// Light or dark, as the system has it or as the user chose. The dark colours are one media rule of the style sheet; the
// choice sets its condition, so that no colour is told twice. On paper the rule never holds.
import { Watched } from './watched.js'

export type ThemeChoice = 'auto' | 'light' | 'dark'
const CONDITIONS: Record<ThemeChoice, string> = {
  auto: 'screen and (prefers-color-scheme: dark)',
  light: 'not all',
  dark: 'screen',
}
const changes = new Watched('theme')
const systemIsDark = matchMedia('(prefers-color-scheme: dark)')
systemIsDark.addEventListener('change', () => changes.tell())

export function chooseTheme(choice: ThemeChoice): void {
  darkRule().media.mediaText = CONDITIONS[choice]
  document.documentElement.dataset.theme = choice
  changes.tell()
}

/** Calls back after every change of the colours while the element is in the document: what draws them itself is to draw anew. */
export function watchTheme(element: Element, onChange: () => void): void {
  changes.watch(element, onChange)
}

/** Value of a custom property of styles/tokens.css: `token('--fg')`. */
export function token(name: `--${string}`): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}

function darkRule(): CSSMediaRule {
  for (const sheet of document.styleSheets) {
    for (const rule of sheet.cssRules) {
      if (rule instanceof CSSMediaRule && declares(rule, '--bg')) return rule
    }
  }
  throw new Error('The style sheet has no rule with the dark colours.')
}
function declares({ cssRules }: CSSMediaRule, name: string): boolean {
  return [...cssRules].some(rule => rule instanceof CSSStyleRule && rule.style.getPropertyValue(name) !== '')
}
