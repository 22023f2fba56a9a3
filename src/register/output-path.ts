import { beforeSuffix } from '../export/formats.js'

/** What tells one process from another. */
export interface ProcessFacts {
  pid: number
  host: string
  startMs: number
  /** Whether no process above this one is profiled by the same environment. */
  isRoot: boolean
}

/**
 * The file of one process. In the template `%p` is the process id, `%h` the host name, `%T` the start in ms since 1970,
 * and `%%` a percent sign; another letter stays as it is. A process that another one started never takes the name of
 * that one: without `%p`, its id goes before the suffix. A name that was made and is taken already gets `.1`, `.2`, …;
 * a name that the user spelled out is written again, as by any tool.
 */
export function outputPath(template: string, facts: ProcessFacts, isTaken: (path: string) => boolean): string {
  const { pid, host, startMs, isRoot } = facts
  const values: Record<string, string> = { p: String(pid), h: host, T: String(startMs), '%': '%' }
  let hasPid = false
  const filled = template.replaceAll(/%([phT%])/g, (_, letter: string) => {
    hasPid ||= letter === 'p'
    return values[letter]!
  })
  const path = isRoot || hasPid ? filled : beforeSuffix(filled, String(pid))
  if (path === template || !isTaken(path)) return path
  let count = 1
  while (isTaken(beforeSuffix(path, String(count)))) count++
  return beforeSuffix(path, String(count))
}
