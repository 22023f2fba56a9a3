import { recordGpu } from '../rows.mjs'

export const title = 'Occupancy'
export const truth = 'cudaOccupancyMaxActiveBlocksPerMultiprocessor'

export async function run({ gpu, check }) {
  const shapes = []
  const { capture } = await recordGpu(() => {
    for (let index = 0; index < gpu.shapeCount(); index++) shapes.push(gpu.runShape(index))
  })
  const table = capture.kernels()
  for (const shape of shapes) {
    const row = table.find(({ name }) => name.includes(`${shape.kernel}(`))
    const label = `${shape.kernel} ${shape.block} threads`
    check.equal(
      `${label}: block, shared, registers`,
      `${shape.block}, ${shape.staticShared}+${shape.dynamicShared}, ${shape.registers}`,
      row === undefined
        ? 'no row'
        : `${[row.block].flat()[0]}, ${row.staticSharedBytes}+${row.dynamicSharedBytes}, ${row.registersPerThread}`,
    )
    const ratio = (shape.blocksPerSm * Math.ceil(shape.block / 32)) / (shape.threadsPerSm / 32)
    const found = row?.occupancy
    check.equal(
      `${label}: blocks, share of warps`,
      `${shape.blocksPerSm}, ${ratio.toFixed(3)}`,
      found === undefined ? 'unknown' : `${found.blocksPerSm}, ${found.ratio.toFixed(3)}`,
    )
  }
}
