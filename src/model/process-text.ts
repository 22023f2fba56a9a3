import type { ProcessEntry } from '../binding.js'
import { printedName } from './names.js'

/** `server.mjs 4242 on host-a`; what is not known is left out. */
export function processText({ host, name, id }: Pick<ProcessEntry, 'host' | 'name' | 'id'>): string {
  const words = [name === '' ? 'process' : printedName(name)]
  if (id !== 0) words.push(String(id))
  if (host !== '') words.push('on', printedName(host))
  return words.join(' ')
}
