// Results of the suite as Markdown.
//   node test/gpu-real/report.mjs results.json [more.json ...]                         on standard output
//   node test/gpu-real/report.mjs --into docs/gpu-validation.md results.json [...]     below its heading "Results"
import { readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

const HEADING = '## Results'

/** @param {{ machine: object, tests: object[] }[]} runs of one machine; of a test that is in several, the last counts */
export function resultsText(runs) {
  const machine = Object.assign({}, ...runs.map(run => run.machine))
  const byNumber = new Map(runs.flatMap(run => run.tests).map(test => [test.number, test]))
  const tests = [...byNumber.values()].sort((a, b) => a.number - b.number)
  return [
    HEADING,
    '',
    ...(machine.isFake
      ? ['These are results of the scripted GPU: they show that the suite works, and nothing of any GPU.', '']
      : []),
    ...machineTable(machine),
    '',
    '| # | test | truth | checks | verdict |',
    '|---|---|---|---|---|',
    ...tests.map(summaryRow),
    ...tests.flatMap(testTable),
    '',
  ].join('\n')
}

function machineTable({ device, driver, gpu, cpu, opscope, platform }) {
  const version = number => `${Math.floor(number / 1000)}.${Math.floor((number % 1000) / 10)}`
  return [
    '| machine | |',
    '|---|---|',
    `| GPU | ${device === undefined ? 'unknown' : `${device.name}, compute ${device.compute}, ${device.multiprocessors} multiprocessors, ${device.memoryMiB} MiB`} |`,
    `| driver | ${driver}${device === undefined ? '' : `, CUDA ${version(device.driver)}`} |`,
    `| CUDA of the kernels | ${device === undefined ? 'unknown' : version(device.runtime)} |`,
    `| CUPTI | ${cell(gpu)} |`,
    `| host | ${cell(cpu)}, ${cell(platform)} |`,
    `| opscope | ${opscope} |`,
  ]
}

function summaryRow({ number, title, truth, rows, verdict }) {
  const checked = rows.filter(row => row.verdict === 'PASS' || row.verdict === 'FAIL')
  const passed = checked.filter(row => row.verdict === 'PASS').length
  return `| ${number} | ${cell(title)} | ${cell(truth)} | ${passed} of ${checked.length} | ${verdict} |`
}

function testTable({ number, title, rows, failure }) {
  return [
    '',
    `### ${number}. ${title}`,
    '',
    ...(failure === undefined ? [] : [`Ended early: ${cell(failure.split('\n')[0])}`, '']),
    '| claim | expected | measured | verdict |',
    '|---|---|---|---|',
    ...rows.map(
      row =>
        `| ${cell(row.claim)} | ${cell(row.expected)} | ${cell(row.measured)} | ${row.verdict === 'NOTE' ? '' : row.verdict} |`,
    ),
  ]
}
const cell = text => String(text).replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ')

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values, positionals } = parseArgs({ options: { into: { type: 'string' } }, allowPositionals: true })
  const text = resultsText(positionals.map(path => JSON.parse(readFileSync(path, 'utf8'))))
  if (values.into === undefined) process.stdout.write(text)
  else {
    const document = readFileSync(values.into, 'utf8')
    const at = document.indexOf(`\n${HEADING}\n`)
    writeFileSync(values.into, (at < 0 ? `${document}\n` : document.slice(0, at + 1)) + text)
  }
}
