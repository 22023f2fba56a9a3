// Three real processes under opscope run, each with a file, joined to one.

import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Capture, loadCapture, mergeCaptures } from '../../src/index.js'
import { decodePerfetto } from '../export/perfetto-decoded.js'
import { CLI, Project } from '../register/project.js'

// The parent's op lies around the whole life of its children.
const PARENT = `
  const { record, op } = require('opscope')
  const { fork } = require('node:child_process')
  const { once } = require('node:events')
  const work = op('work'); work.begin(); work.end()
  record('first child', () => once(fork('./child.cjs'), 'exit'))
    .then(() => record('second child', () => once(fork('./child.cjs'), 'exit')))
    .then(() => console.log(process.pid))
`
const CHILD = `
  const { op } = require('opscope')
  const { Worker } = require('node:worker_threads')
  const work = op('work'), child = op('child')
  child.begin(); for (let i = 0; i < 5; i++) { work.begin(); work.end() } child.end()
  new Worker("const { op } = require('opscope'); const work = op('in worker'); work.begin(); work.end()", { eval: true })
  console.log(process.pid)
`
let merged: Capture
let parts: Capture[]
let pids: number[]
let file: string

beforeAll(async () => {
  const project = new Project({ 'parent.cjs': PARENT, 'child.cjs': CHILD })
  const run = await project.run([CLI, 'run', '--quiet', '--profile-path', 'tree-%p.pftrace', 'parent.cjs'])
  expect(run).toMatchObject({ code: 0, stderr: '' })
  const [firstChild, secondChild, parent] = run.stdout.trim().split('\n').map(Number) as [number, number, number]
  pids = [parent, firstChild, secondChild]
  const files = project.filesLike(/^tree-\d+\.pftrace$/)
  expect(files).toHaveLength(3)
  const outcome = await project.run([CLI, 'merge', ...files, '-o', 'all.pftrace'])
  expect(outcome).toMatchObject({ code: 0, stderr: '' })
  expect(outcome.stdout).toMatch(/^merged 3 captures: 3 processes on 1 host, \d+ spans in [\d.]+ m?s: all\.pftrace\n$/)
  file = join(project.folder, 'all.pftrace')
  merged = await loadCapture(file)
  parts = await Promise.all(files.map(name => project.capture(name)))
}, 120_000)

describe('three processes in one file', () => {
  it('are told by host, pid and program, in the order of their starts', () => {
    expect(merged.processes.map(({ host, pid, name }) => [host, pid, name])).toEqual([
      [hostname(), pids[0], 'parent.cjs'],
      [hostname(), pids[1], 'child.cjs'],
      [hostname(), pids[2], 'child.cjs'],
    ])
    expect(merged.host).toBe(hostname())
    expect(merged.warnings.filter(({ code }) => code === 'clock-stepped')).toEqual([])
  })

  it('keep their threads, and all their ops', () => {
    for (const [index, pid] of pids.entries()) {
      const single = parts.find(({ processId }) => processId === pid)!
      const own = merged.threads.filter(({ process }) => process === index)
      expect(own.map(thread => ({ ...thread, process: 0 }))).toEqual(single.threads)
    }
    const calls = (name: string) =>
      merged
        .ops()
        .filter(row => row.name === name)
        .reduce((sum, row) => sum + row.calls, 0)
    expect([calls('work'), calls('child'), calls('in worker')]).toEqual([1 + 2 * 5, 2, 2])
    const totalNs = (capture: Capture) =>
      capture
        .ops()
        .filter(({ depth }) => depth === 0)
        .reduce((ns, row) => ns + row.totalNs, 0)
    expect(totalNs(merged)).toBe(parts.reduce((ns, part) => ns + totalNs(part), 0))
  })

  it('stand in time as they ran: each child inside the span of the parent that waited for it', () => {
    const rows = merged.rows()
    const only = (name: string, pid: number) =>
      rows.filter('name', name).filter('pid', pid).toArray()[0] as Record<string, number>
    const waits = ['first child', 'second child'].map(name => only(name, pids[0]!))
    for (const [index, wait] of waits.entries()) {
      const work = only('child', pids[index + 1]!)
      expect(work.start).toBeGreaterThan(wait.start!)
      expect(work.end).toBeLessThan(wait.end!)
      const { startNs, durationNs } = merged.processes[index + 1]!
      expect(startNs).toBeGreaterThan(wait.start!)
      expect(startNs + durationNs).toBeLessThanOrEqual(merged.durationNs)
    }
    expect(waits[1]!.start).toBeGreaterThanOrEqual(waits[0]!.end!)
  })

  it('can be taken in any order', async () => {
    const again = await mergeCaptures(parts.toReversed())
    expect(again.processes).toEqual(merged.processes)
    expect(again.ops()).toEqual(merged.ops())
  })

  it('have a track each in the Perfetto file, with their own pid', () => {
    const { processes, threads } = decodePerfetto(readFileSync(file))
    expect(processes.map(({ pid }) => pid)).toEqual(pids)
    expect(new Set(threads.map(({ pid }) => pid))).toEqual(new Set(pids))
    for (const { pid, parentPid } of threads) expect(parentPid).toBe(pid)
    expect(threads.filter(({ pid, tid }) => pid === tid).map(({ pid }) => pid)).toEqual(pids)
  })
})
