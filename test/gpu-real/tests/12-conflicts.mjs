import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { op, profile } from 'opscope'

import { recordGpu } from '../rows.mjs'

export const title = 'Another profiler in the process'
export const truth = 'who holds the one subscription of CUPTI'

export async function run({ gpu, host, check, isFake }) {
  const work = op('work')
  host.hold()
  const capture = await profile({ gpu: 'auto' }, () => {
    work.begin()
    gpu.spin(10, 5)
    work.end()
    gpu.sync()
  })
  check.equal('while another holds it', 'false, busy', `${capture.gpu.available}, ${capture.gpu.reason}`)
  check.equal('host spans all the same', 1, capture.ops().find(({ path }) => path[0] === 'work')?.calls ?? 0)
  const refused = await profile({ gpu: 'required' }, () => {}).then(
    () => 'started',
    error => error.code,
  )
  check.equal('with gpu: required', 'ERR_OPSCOPE_GPU_UNAVAILABLE', refused)
  host.release()
  const { rows } = await recordGpu(() => gpu.spin(10, 5))
  check.equal('once it is free: kernels', 5, rows.kernelCount('gs_spin_kernel'))

  const holdWhileRecording = await recordGpu(() => {
    let code = 0
    try {
      host.hold()
      host.release()
    } catch (error) {
      code = error.code
    }
    check.equal('another one asks while opscope records: CUPTI says', 39, code)
    gpu.spin(10, 5)
  })
  check.equal('and opscope goes on: kernels', 5, holdWhileRecording.rows.kernelCount('gs_spin_kernel'))
  if (!isFake) underNcu(check)
}

/** Nsight Compute holds CUPTI from outside and runs each kernel apart; the program must end as ever. */
function underNcu(check) {
  if (spawnSync('ncu', ['--version']).error !== undefined) return check.skip('under ncu', 'ncu is not on the path')
  const program = fileURLToPath(new URL('../children/spin.mjs', import.meta.url))
  const args = ['--clock-control', 'none', '--metrics', 'gpu__time_duration.sum', '--csv', process.execPath, program]
  const { status, signal, stdout } = spawnSync('ncu', args, { encoding: 'utf8', timeout: 90_000 })
  check.equal('under ncu: the program ends with', 'code 0', signal ?? `code ${status}`)
  check.note('under ncu: opscope says', /^opscope: .*$/m.exec(stdout)?.[0] ?? 'nothing')
  const durations = [...stdout.matchAll(/"gs_spin_kernel[^\n]*gpu__time_duration\.sum","(\w+)","([\d.,]+)"/g)]
  check.note(
    'under ncu: five spins of 100 µs by its counter',
    durations.map(([, unit, value]) => `${value} ${unit}`).join('; ') || 'not printed',
  )
}
