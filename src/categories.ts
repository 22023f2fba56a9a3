import { CATEGORIES, type Category } from './binding.js'

/** What GPUs do, as told by their own records and by spans of these categories. */
const DEVICE: readonly Category[] = ['device', 'memcpy', 'sync']

/** Words that stand for several categories. `device` is one of them: what GPUs do includes copies and waits. */
export type CategoryGroup = 'all' | 'host' | 'device'
const GROUPS: Readonly<Record<CategoryGroup, readonly Category[]>> = {
  all: CATEGORIES,
  host: CATEGORIES.filter(category => !DEVICE.includes(category)),
  device: DEVICE,
}
/** A category, a group of them, or one of these to leave out: `-gc`. */
export type CategoryChoice = Category | CategoryGroup | `-${Category | CategoryGroup}`

export const CATEGORY_WORDS: readonly string[] = [...new Set([...CATEGORIES, ...Object.keys(GROUPS)])]

/**
 * What the words choose, in the order of {@link CATEGORIES}: what is named, or all where nothing is, without what is
 * named with a `-`, wherever that stands. Words that are not known choose nothing.
 */
export function chooseCategories(words: readonly string[]): readonly Category[] {
  const named = words.filter(word => !word.startsWith('-'))
  const chosen = new Set((named.length === 0 ? ['all'] : named).flatMap(categoriesOf))
  for (const word of words) {
    if (word.startsWith('-')) for (const category of categoriesOf(word.slice(1))) chosen.delete(category)
  }
  return CATEGORIES.filter(category => chosen.has(category))
}

/** Whether anything that a GPU does is among them. */
export function hasDeviceCategory(categories: readonly Category[]): boolean {
  return categories.some(category => DEVICE.includes(category))
}

function categoriesOf(word: string): readonly Category[] {
  return GROUPS[word as CategoryGroup] ?? [word as Category]
}
