// What Paddle Serving's two tools do with a log, written anew from their description, as an oracle: they take lines
// apart by position, and know nothing of ours.
const T = 1_700_000_000_000_000

/** The worked example: three lines of a request, of two processes, behind a line that is none. */
export function vectorP1(): string {
  const request = (pid: number, d: number) => {
    const events = (...list: [string, number, number][]) =>
      list.map(([name, start, end]) => `${name}_0:${T + d + start} ${name}_1:${T + d + end}`).join(' ')
    const cpp = events(
      ['prepro', 300, 340],
      ['client_infer', 340, 3340],
      ['op0', 500, 520],
      ['op1', 540, 3100],
      ['op2', 3120, 3150],
      ['op3', 480, 3180],
      ['postpro', 3340, 3360],
    )
    const python = events(['py_prepro', 255, 295], ['py_client_infer', 296, 3370], ['py_postpro', 3371, 3401])
    const line = (text: string) => `PROFILE\tpid:${pid}\t${text}\n`
    return line(events(['bert_pre', 0, 250])) + line(cpp) + line(`${python} `)
  }
  return `I1127 10:00:00 a line of something else\n${request(87322, 0)}${request(87324, 125)}`
}

/** Every line that is written: no Pipeline line feed before it, no space at its end. */
export const LINE =
  /^PROFILE\tpid:[1-9]\d*\t[^\s:]+_0:\d{16} [^\s:]+_1:\d{16}(?: [^\s:]+_0:\d{16} [^\s:]+_1:\d{16})*\n$/

const fieldsOf = (log: string) =>
  log
    .split('\n')
    .map(line => line.trim().split('\t'))
    .filter(([mark]) => mark === 'PROFILE') as [string, string, string][]

/** Seconds by stage, and how many lines. */
export function showProfile(log: string, threads: number): { queryCount: number; costs: Map<string, number> } {
  const us = new Map<string, number>()
  const lines = fieldsOf(log)
  for (const [, , events] of lines) {
    const tokens = events.split(' ')
    for (let pair = 0; pair < Math.floor(tokens.length / 2); pair++) {
      const [begin, from] = tokens[2 * pair]!.split(':') as [string, string]
      const [, to] = tokens[2 * pair + 1]!.split(':') as [string, string]
      const parts = begin.split('_')
      const stage = parts.length === 2 ? parts[0]! : `${parts[0]}_${parts[1]}`
      us.set(stage, (us.get(stage) ?? 0) + Number(to) - Number(from))
    }
  }
  return { queryCount: lines.length, costs: new Map([...us].map(([stage, cost]) => [stage, cost / (1e6 * threads)])) }
}

export interface TraceEvent {
  name: string
  tid: number | string
  pid: string
  ts: string
  ph: 'B' | 'E'
}
export function timelineTrace(log: string): TraceEvent[] {
  return fieldsOf(log).flatMap(([, pid, events]) =>
    events.split(' ').map((event): TraceEvent => {
      const [edge, ts] = event.split(':') as [string, string]
      const parts = edge.split('_')
      const ph = parts.pop() === '0' ? 'B' : 'E'
      const [...name] = parts.join('_').split('#')
      const tid = name.length > 1 ? (name.pop() as string) : 0
      return { name: name.join('#'), tid, pid: pid.split(':')[1]!, ts, ph }
    }),
  )
}
