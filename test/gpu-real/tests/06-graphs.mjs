import { recordSync } from 'opscope'

import { sum } from '../checks.mjs'
import { recordGpu, warningCount } from '../rows.mjs'

const NODE_US = 5

export const title = 'Graphs'
export const truth = 'nodes × replays; two events around all replays'

export async function run({ gpu, check, size }) {
  const nodes = size(100, 10)
  const replays = size(1000, 5)
  await replayed({ gpu, check, nodes, replays })
  await madeMeanwhile({ gpu, check, nodes, replays: size(100, 2) })
  await wholeGraphs({ gpu, check, nodes, replays: size(100, 2) })
}

/** Instantiated before opscope attaches: the hard case. */
async function replayed({ gpu, check, nodes, replays }) {
  const graph = gpu.createGraph(nodes, NODE_US)
  let truth
  const { capture, rows } = await recordGpu(() =>
    recordSync('replays', () => {
      truth = gpu.replayGraph(graph, replays)
    }),
  )
  const kernels = rows.kernels('gs_node_kernel')
  const given = kernels.filter(kernel => kernel.span === 'replays')
  const graphCalls = sum(capture.kernels().map(kernel => kernel.graphCalls))
  check.equal('kernels of a graph made before the recording', nodes * replays, kernels.length)
  check.equal('given to the span that launched the graph', kernels.length, given.length)
  check.equal('nodes of graphs in kernels()', kernels.length, graphCalls)
  check.equal('calls of cudaGraphLaunch', replays, rows.calls('cudaGraphLaunch').length)
  const busyUs = sum(kernels.map(kernel => kernel.durationUs))
  check.within('time of all nodes', busyUs, nodes * replays * NODE_US * 0.99, truth.eventUs, 'µs')
  check.note('of the time by events', (100 * busyUs) / truth.eventUs, '%')
}

async function madeMeanwhile({ gpu, check, nodes, replays }) {
  const { rows, capture } = await recordGpu(() => gpu.replayGraph(gpu.createGraph(nodes, NODE_US), replays))
  // Making it launches it once.
  check.equal('kernels of a graph made while recording', nodes * (replays + 1), rows.kernelCount('gs_node_kernel'))
  // The second recording of this process: CUPTI 13.0 is said to lose a graph's ids in later ones.
  const launched = rows.kernels('gs_node_kernel').filter(kernel => kernel.launch?.name === 'cudaGraphLaunch')
  check.equal('of those with the launch of their graph', nodes * (replays + 1), launched.length)
  check.equal('faults of this CUPTI that they show', 0, warningCount(capture, 'gpu-known-fault'))
}

/** One row a launch, the cheap way. Asked for before the graph is made, as CUPTI wants it. */
async function wholeGraphs({ gpu, check, nodes, replays }) {
  let truth
  const body = () => {
    truth = gpu.replayGraph(gpu.createGraph(nodes, NODE_US), replays)
  }
  const { rows } = await recordGpu(body, { graphTrace: 'graph' })
  const graphs = rows.kernels('CUDA graph')
  check.equal('a row a launch: rows, kernels', `${replays + 1}, 0`, `${graphs.length}, ${rows.kernelCount('gs_node')}`)
  // The first launch is the one of making it, outside the events.
  const busyUs = sum(graphs.slice(1).map(graph => graph.durationUs))
  check.within('a row a launch: time', busyUs, nodes * replays * NODE_US * 0.99, truth.eventUs, 'µs')
}
