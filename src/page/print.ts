import { Watched } from './watched.js'

const print = matchMedia('print')
const changes = new Watched('print')
print.addEventListener('change', () => changes.tell())

/** Calls back when the page goes to paper and when it is back, while the element is in the document. */
export function watchPrint(element: Element, onChange: (isPrinting: boolean) => void): void {
  changes.watch(element, () => onChange(print.matches))
}
