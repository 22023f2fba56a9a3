// A program with five kernels of 100 µs, run under another profiler.
import { profile } from 'opscope'

import { openGpu } from '../backend.mjs'

const gpu = await openGpu()
const capture = await profile({ gpu: 'auto' }, () => {
  gpu.spin(100, 5)
  gpu.sync()
})
console.log(`opscope: ${JSON.stringify(capture.gpu)}`)
