import { createRequire } from 'node:module'

/**
 * A native function that does nothing, called as opscope's are: what no recorder below JavaScript can undercut.
 * scripts/bench.mjs builds the addon.
 */
export const { empty, readClock } = createRequire(import.meta.url)('../build/test-addon/opscope_test_addon.node')
