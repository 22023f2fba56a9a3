import { Command } from 'commander'

import { type Diagnosis, diagnose } from '../../doctor.js'

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('Say what this machine and this installation can record, and what to do about what they cannot.')
    .option('--json', 'the same as JSON')
    .addHelpText(
      'after',
      '\nExit code 1 when the native core does not load.\n\nExample:\n  opscope doctor --json | jq .native',
    )
    .action(({ json }: { json?: boolean }) => {
      const diagnosis = diagnose()
      process.stdout.write(json === true ? `${JSON.stringify(diagnosis, null, 2)}\n` : text(diagnosis))
      process.exitCode = diagnosis.native.found ? 0 : 1
    })
}

function text({ opscope, platform, native, clock, gpu, cpu, memory }: Diagnosis): string {
  const rows: [string, string][] = [
    ['opscope', opscope],
    ['platform', platform],
    ['native core', native.found ? `${native.path} (${native.version})` : `not found: ${native.reason}`],
  ]
  if (!native.found) {
    rows.push(['build it', native.build])
  }
  if (clock !== undefined) {
    rows.push(['clock', `${clock.source}, ${clock.spanCostNs.toFixed(0)} ns a span`])
  }
  rows.push(['gpu', `${gpu.available ? 'available' : gpu.reason}${gpu.detail === undefined ? '' : `: ${gpu.detail}`}`])
  rows.push(['cpu', `${cpu.count} × ${cpu.model}`])
  const limit = memory.limitBytes === undefined ? 'no container limit' : `container limit ${gib(memory.limitBytes)}`
  rows.push(['memory', `${gib(memory.totalBytes)}, ${limit}, JavaScript heap ${gib(memory.heapLimitBytes)}`])
  return rows.map(([label, value]) => `${label.padEnd(12)} ${value}\n`).join('')
}

function gib(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`
}
