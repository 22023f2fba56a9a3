import { fileURLToPath } from 'node:url'

import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: {
    // Tests that read as a user's program still run on the sources.
    alias: [{ find: /^opscope$/, replacement: fileURLToPath(new URL('src/index.ts', import.meta.url)) }],
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
