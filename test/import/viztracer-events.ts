/** What VizTracer writes, made by hand: 20 µs of one thread. */
export function vizTrace() {
  const at = { pid: 7, tid: 7 }
  const fee = (ts: number, dur: number, name: string, more = {}) => ({
    ...at,
    ts,
    dur,
    name,
    ph: 'X',
    cat: 'fee',
    ...more,
  })
  const counter = (ts: number, name: string, args: object) => ({ ...at, ts, name, ph: 'C', args })
  return {
    traceEvents: [
      { ph: 'M', ...at, name: 'process_name', args: { name: 'MainProcess' } },
      { ph: 'M', ...at, name: 'thread_name', args: { name: 'MainThread' } },
      fee(45578246653.002, 0.5, 'builtins.len'),
      fee(45578246652.002, 8.125, 'Net.forward (/srv/app/net.py:12)', {
        args: { func_args: { x: 'tensor' }, return_value: 'None' },
      }),
      counter(45578246661.002, 'garbage collection', { collecting: 1, collected: 0 }),
      counter(45578246663.002, 'garbage collection', { collecting: 0, collected: 12 }),
      counter(45578246666.002, 'queue', { queue: 3 }),
      {
        ...at,
        ts: 45578246667.002,
        ph: 'i',
        name: 'logging',
        cat: 'instant',
        args: { data: 'INFO:root:hello' },
        s: 'p',
      },
      fee(45578246651.002, 20, '<module> (/srv/run.py:1)'),
    ],
    viztracer_metadata: { version: '0.17.1', overflow: false },
    file_info: {
      files: { '/srv/run.py': ['import net\n', 1] },
      functions: { '<module> (/srv/run.py:1)': ['/srv/run.py', 1] },
    },
  }
}
