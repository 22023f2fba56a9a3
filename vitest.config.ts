import { fileURLToPath } from 'node:url'

import { defineConfig } from 'vitest/config'

import { OWN_MAJOR, otherNodes } from './test/nodes.js'

// What a program is, how it is loaded and how it ends differs from Node to Node.
const ON_EVERY_NODE = ['test/life-cycle/**/*.test.ts', 'test/register/**/*.test.ts']

const ROOT = fileURLToPath(new URL('.', import.meta.url))
// Set by scripts/test-matrix.mjs: lib/ here is that of an installed package, and the tests run on it.
const isInstalled = process.env.TEST_INSTALLED === '1'

const { found, missing } = otherNodes()
if (missing.length > 0) {
  console.log(
    `Node ${missing.join(', ')}: not tested, as OPSCOPE_TEST_NODES names no folder with it; npm run test:nodes`,
  )
}

export default defineConfig({
  resolve: {
    alias: isInstalled
      ? [
          { find: /^opscope$/, replacement: `${ROOT}lib/index.js` },
          // What runs in the page is in lib/ as one file alone.
          { find: /^(?:\.\.\/)+src\/page\//, replacement: `${ROOT}src/page/` },
          { find: /^(?:\.\.\/)+src\//, replacement: `${ROOT}lib/` },
        ]
      : // Tests that read as a user's program still run on the sources.
        [{ find: /^opscope$/, replacement: `${ROOT}src/index.ts` }],
  },
  test: {
    // A native crash kills one worker, not the run.
    pool: 'forks',
    // Many tests start child processes, on machines that are busy.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: `node ${OWN_MAJOR}`, include: ['test/**/*.test.ts'] } },
      ...found.map(({ major, path }) => ({
        extends: true as const,
        test: { name: `node ${major}`, include: ON_EVERY_NODE, env: { OPSCOPE_TEST_NODE: path } },
      })),
    ],
  },
})
