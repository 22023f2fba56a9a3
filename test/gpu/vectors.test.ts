// A published profile, replayed as API calls and activity records of each generation of CUPTI.
import { describe, expect, it } from 'vitest'
import { figures, rowsOf, tablesOf } from '../report/op-plan.js'
import { conditionalBlockFigures, conditionalBlockPlan, conditionalBlockRows, short } from '../report/published.js'
import { hasFakes } from './fake-gpu.js'
import { play } from './player.js'

describe.runIf(hasFakes())('1,200 copies of one thread, 800 of them async', () => {
  it.each([
    ['11.8', 'cupti-11.8'],
    ['12.4', 'cupti-12'],
    ['13.0', 'cupti-13'],
  ] as const)('print the published digits from records of CUPTI %s', async (_, cupti) => {
    const capture = await play(rowsOf({ main: conditionalBlockPlan }), { cupti })
    expect(capture.warnings).toEqual([])
    const text = capture.report({ style: 'paddle', sortedKey: 'total' })
    expect(tablesOf(text).map(table => table.map(short))).toEqual([conditionalBlockRows])
    expect(conditionalBlockFigures.map(figure => figures(text, figure.split(' ', 1)[0]!))).toEqual(
      conditionalBlockFigures,
    )
    const [block, copy] = tablesOf(text)[0]!
    expect([block!.cpu, block!.gpu, copy!.cpu, copy!.gpu]).toEqual(['43.963987', '1.354010', '11.040198', '0.790586'])
  })
})
