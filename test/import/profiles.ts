// CPU profiles for tests: made by hand from stacks, and real ones of V8.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { NODE } from '../nodes.js'

export interface Profile {
  nodes: { id: number; callFrame: object; children?: number[]; parent?: number }[]
  startTime: number
  endTime: number
  samples: number[]
  timeDeltas: number[]
}

/**
 * A profile that says: from `at` µs on, the stack was this one ("main/predict"; a function is in app.js, in the line of
 * the length of its name).
 */
export function profileOf(stacks: [atUs: number, stack: string][], endUs: number, startTime = 5_000_000): Profile {
  const nodes: Profile['nodes'] = []
  const ids = new Map<string, number>()
  const nodeOf = (path: string[]): number => {
    const key = path.join('/')
    const known = ids.get(key)
    if (known !== undefined) return known
    const functionName = path.at(-1) ?? '(root)'
    const isOurs = !functionName.startsWith('(')
    const lineNumber = isOurs ? functionName.length - 1 : -1
    const id = nodes.length + 1
    const callFrame = { functionName, scriptId: '1', url: isOurs ? 'file:///srv/app.js' : '', lineNumber }
    nodes.push({ id, callFrame, children: [] })
    ids.set(key, id)
    if (path.length > 0) nodes[nodeOf(path.slice(0, -1)) - 1]!.children!.push(id)
    return id
  }
  nodeOf([])
  const samples = stacks.map(([, stack]) => nodeOf(stack === '' ? [] : stack.split('/')))
  const timeDeltas = stacks.map(([at], i) => at - (stacks[i - 1]?.[0] ?? 0))
  return { nodes, startTime, endTime: startTime + endUs, samples, timeDeltas }
}

/** For programs that are profiled: busy for ms of CPU time, as a loaded machine may let them wait meanwhile. */
export const BUSY = `
function busyFor(ms) {
  const usedMs = () => process.cpuUsage().user / 1000
  for (const end = usedMs() + ms; usedMs() < end; ) for (let i = 0; i < 1e4; i++) Math.sqrt(i)
}`

/** Runs a program under `node --cpu-prof`; the profiles of its threads and what it printed. */
export function runProfiled(program: string): { folder: string; files: string[]; printed: string } {
  const folder = mkdtempSync(join(tmpdir(), 'opscope-test-'))
  writeFileSync(join(folder, 'app.mjs'), program)
  const flags = ['--cpu-prof', '--cpu-prof-interval=500', '--cpu-prof-dir', folder]
  const printed = execFileSync(NODE, [...flags, join(folder, 'app.mjs')], { encoding: 'utf8' })
  const files = readdirSync(folder).filter(name => name.endsWith('.cpuprofile'))
  return { folder, files: files.sort().map(name => join(folder, name)), printed }
}
