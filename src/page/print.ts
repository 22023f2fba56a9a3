import { Watched } from './watched.js'

const changes = new Watched('print')
// Asked for when the first element watches: the pure parts of a table are used where there is no window.
let print: MediaQueryList | undefined
function printed(): MediaQueryList {
  if (print === undefined) {
    print = matchMedia('print')
    print.addEventListener('change', () => changes.tell())
  }
  return print
}

/** Calls back when the page goes to paper and when it is back, while the element is in the document. */
export function watchPrint(element: Element, onChange: (isPrinting: boolean) => void): void {
  const media = printed()
  changes.watch(element, () => onChange(media.matches))
}
