// npm run test:kill [-- count [suffix]]     kills programs at random moments, 100 for each format unless told otherwise
import { spawnSync } from 'node:child_process'

const [count = '100', suffix] = process.argv.slice(2)
const env = { ...process.env, OPSCOPE_TEST_KILLS: count }
if (suffix !== undefined) env.OPSCOPE_TEST_KILL_SUFFIX = suffix.replace(/^\.?/, '.')
const { status } = spawnSync('npx', ['vitest', 'run', 'test/life-cycle/kill.test.ts'], { stdio: 'inherit', env })
process.exit(status ?? 1)
