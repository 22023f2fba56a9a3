// Names come from users: a printed name may neither break a line of a table nor look like another path.

const NAMED: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\', '/': '\\/' }

// Controls (C0, DEL, C1), line separators, and the marks that reorder or hide text in a terminal.
const UNPRINTABLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\\/]/g

/** One component of a path as printed. Reversible: `/` becomes `\/`, `\` becomes `\\`, controls `\n` or `\u001b`. */
export function printedName(name: string): string {
  return name.replace(
    UNPRINTABLE,
    character => NAMED[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

export function printedPath(path: readonly string[]): string {
  return path.map(printedName).join('/')
}

/** Text that is no path: as {@link printedName}, and `/` as it is. */
export function printedText(text: string): string {
  return printedName(text).replaceAll('\\/', '/')
}

// Of a recursion thousands of calls deep nobody reads the middle, and a thousand such paths are a hundred megabytes.
const PATH_HEAD = 12
const PATH_TAIL = 20
/** The two ends of a long path. */
export function cutPath(path: string[]): string[] {
  if (path.length <= PATH_HEAD + PATH_TAIL + 1) return path
  return [...path.slice(0, PATH_HEAD), '…', ...path.slice(-PATH_TAIL)]
}
