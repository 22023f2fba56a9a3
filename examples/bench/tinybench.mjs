// An existing benchmark of tinybench, and the one line that gives it op reports: node examples/bench/tinybench.mjs
import { recordSync } from 'opscope'
import { opReports } from 'opscope/bench/tinybench'
import { Bench } from 'tinybench'

const text = 'where did the time go '.repeat(40)
const bench = new Bench({ time: Number(process.argv[2] ?? 500) })
opReports(bench) // this one

bench.add('predict', () => {
  const ids = recordSync('tokenize', () => text.split(' ').map(word => word.length))
  return recordSync('embed', () => ids.flatMap(id => Array.from({ length: 8 }, (_, at) => Math.sin(id * at))))
})

await bench.run()
console.table(bench.table())
