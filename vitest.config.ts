import { fileURLToPath } from 'node:url'

import { defineConfig } from 'vitest/config'

const ROOT = fileURLToPath(new URL('.', import.meta.url))
// Set by scripts/test-matrix.mjs: lib/ here is that of an installed package, and the tests run on it.
const isInstalled = process.env.TEST_INSTALLED === '1'

export default defineConfig({
  resolve: {
    alias: isInstalled
      ? [
          { find: /^opscope$/, replacement: `${ROOT}lib/index.js` },
          { find: /^(?:\.\.\/)+src\//, replacement: `${ROOT}lib/` },
        ]
      : // Tests that read as a user's program still run on the sources.
        [{ find: /^opscope$/, replacement: `${ROOT}src/index.ts` }],
  },
  test: {
    include: ['test/**/*.test.ts'],
    // A native crash kills one worker, not the run.
    pool: 'forks',
    // Many tests start child processes, on machines that are busy.
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
