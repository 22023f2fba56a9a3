// A published profile of a PaddlePaddle program with a conditional block: what it ran, and what was printed of it.
import { op, type PlannedOp, type PrintedRow, phase } from './op-plan.js'

export const short = ({ depth, name, calls, total, ratio }: PrintedRow) =>
  `${'· '.repeat(depth)}${name} ${calls} ${total} ${ratio}`

const toCpu = 'GpuMemcpyAsync:GPU->CPU'
const onGpu = 'GpuMemcpyAsync(same_gpu):GPU->GPU'
const toCpuSync = 'GpuMemcpySync:GPU->CPU'
// The published table hides compute; only its sum is known, 38.149730. The last op takes what is left of it.
const leaf = (name: string, calls: number, cpu: number, gpu: number, compute: number) =>
  op(name, calls, cpu, gpu, [phase('compute', calls, compute, gpu)])
export const conditionalBlockPlan: PlannedOp[] = [
  op('conditional_block', 400, 43.963987, 1.35401, [
    op(toCpu, 400, 11.040198, 0.790586),
    op('assign', 200, 7.738432, 0.274368, [phase('compute', 200, 6, 0.274368, [op(onGpu, 200, 4.285085, 0.274368)])]),
    leaf('fill_constant', 200, 7.511009, 0.289056, 4.5),
  ]),
  leaf('fill_constant', 300, 13.298308, 0.422559, 9),
  op('select_input', 200, 12.81017, 0.681598, [
    op(toCpuSync, 200, 6.296225, 0.396191),
    op(onGpu, 200, 3.4482, 0.285407),
  ]),
  leaf('less_than', 200, 7.05369, 0.272799, 5),
  op('fetch', 200, 6.766394, 0.395773, [op(toCpuSync, 200, 5.323041, 0.395773)]),
  leaf('logical_not', 200, 6.772137, 0.274432, 5),
  leaf('cast', 200, 6.768117, 0.277375, 5),
  leaf('equal', 100, 3.192579, 0.138464, 1.700677),
]

/** Rows of the printed table, as {@link short} has them. */
export const conditionalBlockRows: string[] = [
  'thread0::conditional_block 400 45.318 0.433904',
  `· ${toCpu} 400 11.8308 0.113276`,
  '· assign 200 8.0128 0.0767198',
  `· · ${onGpu} 200 4.55945 0.0436552`,
  '· fill_constant 200 7.80007 0.0746829',
  'thread0::fill_constant 300 13.7209 0.131373',
  'thread0::select_input 200 13.4918 0.129179',
  `· ${toCpuSync} 200 6.69242 0.0640776`,
  `· ${onGpu} 200 3.73361 0.035748`,
  'thread0::less_than 200 7.32649 0.0701486',
  'thread0::fetch 200 7.16217 0.0685753',
  `· ${toCpuSync} 200 5.71881 0.0547557`,
  'thread0::logical_not 200 7.04657 0.0674685',
  'thread0::cast 200 7.04549 0.0674582',
  'thread0::equal 100 3.33104 0.0318936',
]

/** Lines above it, blanks made single. */
export const conditionalBlockFigures: string[] = [
  'Total time: 104.442',
  'Computation time Total: 38.1497 Ratio: 36.5271%',
  'Framework overhead Total: 66.2927 Ratio: 63.4729%',
  'GpuMemcpy Calls: 1200 Total: 32.5351 Ratio: 31.1512%',
  'GpuMemcpyAsync Calls: 800 Total: 20.1238 Ratio: 19.2679%',
  'GpuMemcpySync Calls: 400 Total: 12.4112 Ratio: 11.8833%',
]
