// What the user looks at: the parts of the page change it and watch it, and know nothing of each other.

/** A stretch of time, ns since the start of the session; never empty. */
export interface TimeRange {
  startNs: number
  endNs: number
}
/** One thing on the timeline. */
export type Selected =
  | { kind: 'span'; row: number }
  | { kind: 'launch'; row: number }
  | { kind: 'gpu'; row: number }
  | { kind: 'mark'; row: number }
  | undefined

export interface PageStateFields {
  /** What the timeline shows. */
  visible: TimeRange
  /** What the tables are about; undefined: the whole recording. */
  range: TimeRange | undefined
  selected: Selected
  /** What is searched for in names; empty: nothing. */
  search: string
}
export type PageChange = Partial<PageStateFields>

/** Tells every watcher once per change, in the order in which they came. */
export class PageState {
  #fields: PageStateFields
  readonly #watchers: ((fields: Readonly<PageStateFields>, before: Readonly<PageStateFields>) => void)[] = []

  constructor(fields: PageStateFields) {
    this.#fields = fields
  }
  get fields(): Readonly<PageStateFields> {
    return this.#fields
  }
  change(change: PageChange): void {
    const before = this.#fields
    this.#fields = { ...before, ...change }
    for (const watcher of this.#watchers) watcher(this.#fields, before)
  }
  watch(watcher: (fields: Readonly<PageStateFields>, before: Readonly<PageStateFields>) => void): void {
    this.#watchers.push(watcher)
  }
}
