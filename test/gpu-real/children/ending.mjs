// A program that ends in the middle of a recording, in the way that its argument names.
import { startProfiler } from 'opscope'

import { openGpu } from '../backend.mjs'

const [ending, path] = process.argv.slice(2)
const gpu = await openGpu()
gpu.launch('runtime', 1)
gpu.sync()
startProfiler({ gpu: 'required', profilePath: path, print: false })
gpu.spin(50, 20)
gpu.sync()
if (ending === 'process.exit') process.exit(7)
if (ending === 'throw') throw new Error('thrown on purpose')
if (ending === 'SIGTERM') {
  process.kill(process.pid, 'SIGTERM')
  setTimeout(() => {}, 60_000)
}
if (ending === 'exit with work in flight') {
  gpu.spin(1000, 20)
  process.exit(7)
}
