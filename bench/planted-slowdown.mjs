// Does the harness find a slowdown of 3 % in a workload with 2 % noise, and is it silent on equal code? Each experiment
// is run many times, with the slowdown planted and without, and counts what the harness said.
//
//   node bench/planted-slowdown.mjs simulated [RUNS]   a clock that is made up, 2 % noise of many kinds (default 1000)
//   node bench/planted-slowdown.mjs real [RUNS]        a CPU workload in this process, by benchmark() (default 100)
//   node bench/planted-slowdown.mjs gate [RUNS]        the same in files, by compareFiles(), as opscope gate does (100)
//   node bench/planted-slowdown.mjs separate [RUNS]    results of runs one after the other, by compare() (40)
import { fileURLToPath } from 'node:url'

import { benchmark, benchmarkFile, compare, compareCases, compareFiles } from '../lib/bench/index.js'
import { measurePair } from '../lib/bench/measure-pair.js'
import { randomNumbers } from '../lib/model/statistics.js'
import { workload } from './planted-slowdown/workload.mjs'

const SLOWDOWN = 0.03
const NOISE = 0.02
const SAMPLE_MS = 10

/** Normal values from uniform ones: the polar form of Box and Muller. */
function normals(random) {
  return () => {
    for (;;) {
      const x = 2 * random() - 1
      const y = 2 * random() - 1
      const square = x * x + y * y
      if (square > 0 && square < 1) return x * Math.sqrt((-2 * Math.log(square)) / square)
    }
  }
}

// Each makes a function of the simulated ms since the start: the log of how much longer a sample takes there. All have
// a standard deviation of 2 % beside what their names add.
const NOISES = {
  'normal noise': normal => () => NOISE * normal(),
  'drift of 20 % in a minute, and waves of 5 %': normal => ms =>
    NOISE * normal() + (0.2 * ms) / 60_000 + 0.05 * Math.sin(ms / 700),
  'heavy tails: Student t of 3 degrees': normal => () => {
    const square = normal() ** 2 + normal() ** 2 + normal() ** 2
    return (NOISE / Math.sqrt(3)) * (normal() / Math.sqrt(square / 3))
  },
  'one sample in 20 half as long again, as by a garbage collection': (normal, random) => () =>
    NOISE * normal() + (random() < 0.05 ? Math.log(1.5) : 0),
  'each sample 0.95 of the one before (autoregressive)': normal => {
    let state = NOISE * normal()
    return () => {
      state = 0.95 * state + NOISE * Math.sqrt(1 - 0.95 ** 2) * normal()
      return state
    }
  },
  'bursts: 30 % slower for half a second on end, a third of the time': (normal, random) => {
    let isBusy = false
    let until = 0
    return ms => {
      if (ms >= until) {
        isBusy = random() < 1 / 3
        until = ms + 500
      }
      return NOISE * normal() + (isBusy ? Math.log(1.3) : 0)
    }
  },
}

/** Base and head on a machine that is made up, as hosts of a measurement. */
function simulated(seed, noiseOf, slowdown, luck) {
  const random = randomNumbers(seed)
  const normal = normals(random)
  let ms = 0
  const noise = noiseOf(normal, random)
  const hostOf = side => {
    const factor = (side === 1 ? 1 + slowdown : 1) * Math.exp(luck * normal())
    return {
      isGone: false,
      prepare: async () => ({ isAsync: false, iterationNs: SAMPLE_MS * 1e6, items: 1 }),
      sample: async () => {
        const took = SAMPLE_MS * factor * Math.exp(noise(ms))
        ms += took
        return { ns: took * 1e6, waitNs: 0, cpuNs: took * 1e6, eachNs: [] }
      },
      paceNs: async () => 1e6,
      finish: async () => {},
      close: async () => {},
    }
  }
  return { launch: async () => [hostOf(0), hostOf(1)], now: () => ms }
}

async function simulatedVerdict(seed, noiseOf, slowdown, { luck, unit }) {
  const { comparison, base } = await measurePair({
    ...simulated(seed, noiseOf, slowdown, luck),
    titles: ['base', 'head'],
    caseNames: ['work'],
    leftOut: [],
    unit,
    warmupMs: 0,
    sampleMs: SAMPLE_MS,
    budgetMs: 30_000,
    targetInterval: 0.01,
    profile: false,
    threshold: SLOWDOWN,
    confidence: 0.99,
    seed: seed ^ 0x5eed,
  })
  return { verdict: comparison.cases[0].verdict, samples: 2 * base.cases[0].samples }
}

async function simulate(runs) {
  const ways = [
    ['rounds of one process', { luck: 0, unit: 'round' }],
    ['launches whose processes differ by 1 %', { luck: 0.01, unit: { rounds: 5 } }],
  ]
  for (const [way, options] of ways) {
    for (const [name, noiseOf] of Object.entries(NOISES)) {
      const counts = { planted: [], equal: [] }
      for (let run = 0; run < runs; run++) {
        counts.planted.push(await simulatedVerdict(2 * run + 1, noiseOf, SLOWDOWN, options))
        counts.equal.push(await simulatedVerdict(2 * run + 2, noiseOf, 0, options))
      }
      tell(`${way}, ${name}`, counts)
    }
  }
}

async function real(runs) {
  const counts = { planted: [], equal: [] }
  for (let run = 0; run < runs; run++) {
    for (const [kind, slowdown] of [
      ['planted', SLOWDOWN],
      ['equal', 0],
    ]) {
      const results = await benchmark({
        cases: {
          base: workload(0, randomNumbers(2 * run + 1)),
          head: workload(slowdown, randomNumbers(2 * run + 2)),
        },
        baseline: 'base',
        sampleMs: 1,
        warmupMs: 50,
        profile: false,
        seed: run,
      })
      const [{ verdict }] = compareCases(results, 'base').cases
      counts[kind].push({ verdict, samples: 2 * results.cases[0].samples })
    }
  }
  tell('a CPU workload with 2 % noise, benchmark()', counts)
}

const FILES = { planted: 'planted-slowdown/slower.mjs', equal: 'planted-slowdown/equal.mjs' }
const fileAt = name => fileURLToPath(new URL(name, import.meta.url))

async function gate(runs) {
  const name = 'the same in files, a fresh process for every five rounds, compareFiles()'
  const counts = { planted: [], equal: [] }
  process.once('SIGINT', () => {
    tell(`${name}, interrupted`, counts)
    process.exit()
  })
  for (let run = 0; run < runs; run++) {
    for (const [kind, head] of Object.entries(FILES)) {
      const options = { sampleMs: 1, warmupMs: 50, profile: false, seed: run, budgetMs: 60_000 }
      const { comparison, base } = await compareFiles(fileAt('planted-slowdown/base.mjs'), fileAt(head), options)
      counts[kind].push({ verdict: comparison.cases[0].verdict, samples: 2 * base.cases[0].samples })
    }
  }
  tell(name, counts)
}

/** Each result is compared with the one before it, and with one of the slower file. */
async function separate(runs) {
  const counts = { planted: [], equal: [] }
  const options = { sampleMs: 1, warmupMs: 50, profile: false, budgetMs: 10_000 }
  let before = await benchmarkFile(fileAt('planted-slowdown/base.mjs'), options)
  for (let run = 0; run < runs; run++) {
    const slower = await benchmarkFile(fileAt(FILES.planted), options)
    const equal = await benchmarkFile(fileAt('planted-slowdown/base.mjs'), options)
    for (const [kind, after] of Object.entries({ planted: slower, equal })) {
      const [{ verdict }] = compare(before, after).cases
      counts[kind].push({ verdict, samples: after.cases[0].samples })
    }
    before = equal
  }
  tell('runs one after the other, compare()', counts)
}

/** `97 of 100 (92.5 … 99.0 %)`: the share and its interval of 95 %, by Wilson. */
function shareText(count, of) {
  const z = 1.96
  const share = count / of
  const middle = (share + (z * z) / (2 * of)) / (1 + (z * z) / of)
  const half = (z * Math.sqrt((share * (1 - share)) / of + (z * z) / (4 * of * of))) / (1 + (z * z) / of)
  const percent = value => (100 * Math.min(1, Math.max(0, value))).toFixed(1)
  return `${count} of ${of} (${percent(middle - half)} … ${percent(middle + half)} %)`
}

function tell(name, { planted, equal }) {
  const count = (results, verdict) => results.filter(each => each.verdict === verdict).length
  const samples = results => Math.round(results.reduce((sum, each) => sum + each.samples, 0) / results.length)
  console.log(`${name}
  ${SLOWDOWN * 100} % slower: found    ${shareText(count(planted, 'slower'), planted.length)}, undecided ${count(planted, 'undecided')}, ${samples(planted)} samples
  equal:      alarms   ${shareText(count(equal, 'slower'), equal.length)}, told faster ${count(equal, 'faster')}, undecided ${count(equal, 'undecided')}, ${samples(equal)} samples`)
  const isMet = count(planted, 'slower') >= 0.95 * planted.length && count(equal, 'slower') <= 0.05 * equal.length
  if (!isMet) process.exitCode = 1
}

const EXPERIMENTS = { simulated: [simulate, 1000], real: [real, 100], gate: [gate, 100], separate: [separate, 40] }
const [name = 'simulated', runs] = process.argv.slice(2)
const [experiment, usual] = EXPERIMENTS[name] ?? []
if (experiment === undefined) {
  console.error(`Unknown experiment ${name}: ${Object.keys(EXPERIMENTS).join(', ')}`)
  process.exit(2)
}
const start = performance.now()
await experiment(runs === undefined ? usual : Number(runs))
console.log(`${((performance.now() - start) / 1000).toFixed(1)} s`)
