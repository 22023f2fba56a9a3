/** Tables as HTML, for notebooks. */

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"]/g, sign => ENTITIES[sign]!)
}

/** A `<table>` of texts; the columns that `isText` names are aligned left, all others right. */
export function htmlTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  isText: (column: number) => boolean,
): string {
  const line = (cells: readonly string[], tag: 'th' | 'td') => {
    const cell = (text: string, at: number) =>
      `<${tag} style="text-align:${isText(at) ? 'left' : 'right'}">${escapeHtml(text)}</${tag}>`
    return `<tr>${cells.map(cell).join('')}</tr>`
  }
  return `<table><thead>${line(heads, 'th')}</thead><tbody>${rows.map(row => line(row, 'td')).join('')}</tbody></table>`
}
