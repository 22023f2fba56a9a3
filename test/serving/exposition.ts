// Reads the text that Prometheus scrapes, after its own description
// (https://prometheus.io/docs/instrumenting/exposition_formats), and fails at whatever breaks it.

export interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}
export interface Family {
  type: string
  help: string
  samples: Sample[]
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\["\\n])*)"(?:,|$)/y
const SUFFIXES = /_(?:bucket|sum|count)$/

export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line is not ended')
  const families = new Map<string, Family>()
  const familyOf = (name: string) => {
    const family = families.get(name) ?? { type: '', help: '', samples: [] }
    families.set(name, family)
    return family
  }
  const seen = new Set<string>()
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [, kind, named, rest] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
    if (kind === 'HELP') familyOf(named!).help = rest!
    else if (kind === 'TYPE') familyOf(named!).type = rest!
    else {
      const sample = sampleOf(line)
      const whole = families.has(sample.name) ? sample.name : sample.name.replace(SUFFIXES, '')
      const family = families.get(whole)
      if (family === undefined || family.type === '') throw new Error(`no TYPE before: ${line}`)
      const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()])
      if (seen.has(key)) throw new Error(`twice: ${line}`)
      seen.add(key)
      family.samples.push(sample)
    }
  }
  for (const [name, family] of families) if (family.type === 'histogram') checkHistogram(name, family)
  return families
}

function sampleOf(line: string): Sample {
  const [, name, labelText = '', number] = SAMPLE.exec(line) ?? []
  if (name === undefined) throw new Error(`no sample: ${line}`)
  const labels: Record<string, string> = {}
  LABEL.lastIndex = 0
  while (LABEL.lastIndex < labelText.length) {
    const [, key, value] = LABEL.exec(labelText) ?? []
    if (key === undefined) throw new Error(`bad labels: ${line}`)
    labels[key] = value!.replaceAll(/\\(.)/g, (_, escaped) => (escaped === 'n' ? '\n' : escaped))
  }
  const value = number === '+Inf' ? Number.POSITIVE_INFINITY : Number(number)
  if (Number.isNaN(value)) throw new Error(`no number: ${line}`)
  return { name, labels, value }
}

/** Buckets grow with their bounds, and the last, +Inf, is the count. */
function checkHistogram(name: string, { samples }: Family): void {
  const series = new Map<string, Sample[]>()
  for (const sample of samples) {
    const { le: _, ...labels } = sample.labels
    const key = JSON.stringify(labels)
    series.set(key, [...(series.get(key) ?? []), sample])
  }
  for (const [labels, own] of series) {
    const buckets = own.filter(sample => sample.name === `${name}_bucket`)
    const bounds = buckets.map(({ labels: { le } }) => (le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le)))
    const counts = buckets.map(({ value }) => value)
    const isAscending = (numbers: number[]) =>
      numbers.every((each, index) => index === 0 || each >= numbers[index - 1]!)
    const count = own.find(sample => sample.name === `${name}_count`)?.value
    const hasSum = own.some(sample => sample.name === `${name}_sum`)
    const isWhole = bounds.at(-1) === Number.POSITIVE_INFINITY && counts.at(-1) === count && hasSum
    if (!isAscending(bounds) || !isAscending(counts) || !isWhole) throw new Error(`no histogram: ${name}${labels}`)
  }
}
