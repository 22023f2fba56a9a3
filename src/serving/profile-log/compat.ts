// What Paddle Serving's show_profile.py and timeline_trace.py of v0.9 make of a log, byte for byte: only lines that begin
// with PROFILE, events paired by their position, names cut at the second underscore. Where those end with an error, at an
// event or a line that is damaged, this goes on without it and counts it.
import { lineBatches } from '../../import/profile-log/line-batches.js'
import { pythonFloat, pythonString } from '../python-text.js'

export interface CompatCounts {
  skippedEvents: number
  longLines: number
}
interface CompatRecord {
  pid: string
  /** undefined: one that cannot be read; it keeps its place, since events are paired by that. */
  events: ({ name: string; time: string } | undefined)[]
}

/** The report of show_profile.py. */
export async function showProfileText(
  chunks: AsyncIterable<Uint8Array>,
  threads: number,
): Promise<{ text: string; counts: CompatCounts }> {
  const counts: CompatCounts = { skippedEvents: 0, longLines: 0 }
  const costs = new Map<string, number>()
  let queryCount = 0
  for await (const { events } of compatRecords(chunks, counts)) {
    queryCount += 1
    for (let index = 0; index + 1 < events.length; index += 2) {
      const begin = events[index]
      const end = events[index + 1]
      if (begin === undefined || end === undefined) continue
      const [first, second, third] = begin.name.split('_')
      if (second === undefined || !isTime(begin.time) || !isTime(end.time)) {
        counts.skippedEvents += 2
        continue
      }
      const stage = third === undefined ? first! : `${first}_${second}`
      costs.set(stage, (costs.get(stage) ?? 0) + Number(end.time) - Number(begin.time))
    }
  }
  const lines = [`thread_num: ${threads}`, `query_count: ${queryCount}`]
  for (const [stage, us] of costs) lines.push(`${stage} cost: ${pythonFloat(us / (1e6 * threads))}s in each thread `)
  return { text: `${lines.join('\n')}\n`, counts }
}

/** The file of timeline_trace.py, a piece at a time. */
export async function* timelineText(chunks: AsyncIterable<Uint8Array>, counts: CompatCounts): AsyncGenerator<string> {
  let text = '['
  let isEmpty = true
  for await (const { pid, events } of compatRecords(chunks, counts)) {
    for (const event of events) {
      if (event === undefined) continue
      text += `${isEmpty ? '' : ','}\n${eventText(event.name, pid, event.time)}`
      isEmpty = false
    }
    if (text.length > 1 << 18) {
      yield text
      text = ''
    }
  }
  yield `${text}${isEmpty ? '' : '\n'}]`
}

function eventText(event: string, pid: string, time: string): string {
  const parts = event.split('_')
  const phase = parts.at(-1) === '0' ? 'B' : 'E'
  const fullName = parts.slice(0, -1).join('_')
  const at = fullName.lastIndexOf('#')
  const [name, track] = at === -1 ? [fullName, '0'] : [fullName.slice(0, at), pythonString(fullName.slice(at + 1))]
  const fields = [
    `"name":${pythonString(name)}`,
    `"tid":${track}`,
    `"pid":${pythonString(pid)}`,
    `"ts":${pythonString(time)}`,
    `"ph":"${phase}"`,
  ]
  return `  {\n    ${fields.join(',\n    ')}\n  }`
}

async function* compatRecords(chunks: AsyncIterable<Uint8Array>, counts: CompatCounts): AsyncGenerator<CompatRecord> {
  for await (const lines of lineBatches(chunks, counts)) {
    for (const line of lines) {
      const [mark, pidField, events] = line.trim().split('\t')
      if (mark !== 'PROFILE') continue
      if (pidField === undefined || events === undefined) {
        counts.skippedEvents += 1
        continue
      }
      const record: CompatRecord = { pid: pidField.split(':')[1] ?? '', events: [] }
      for (const event of events.split(' ')) {
        const [name, time, more] = event.split(':')
        const isWhole = name !== undefined && time !== undefined && more === undefined
        if (!isWhole) counts.skippedEvents += 1
        record.events.push(isWhole ? { name, time } : undefined)
      }
      yield record
    }
  }
}

const isTime = (text: string) => /^\d{1,16}$/.test(text)
