// What an importer made of a text, as plain objects, without the native core.
import { CATEGORIES, GPU_KINDS, MEMORY_KINDS, ROLES } from '../../src/binding.js'
import { importChrome } from '../../src/import/chrome.js'
import type { RawRows } from '../../src/raw-rows.js'

export async function chromeRows(trace: unknown): Promise<RawRows> {
  const text = typeof trace === 'string' ? trace : JSON.stringify(trace)
  async function* chunks() {
    yield Buffer.from(text)
  }
  const builder = await importChrome(chunks())
  if (builder === undefined) throw new Error('not a trace')
  return builder.rows()
}

/** `thread name category start-end`, with role, instance and flags where they are not the usual. */
export function spansOf({ spans, names, threads }: RawRows): string[] {
  return Array.from(spans.name, (index, row) => {
    const name = names[index]!
    const role = name.role === 0 ? '' : ` (${ROLES[name.role]}${name.instance && ` ${name.instance}`})`
    const flags = spans.flags[row] === 0 ? '' : ` flags ${spans.flags[row]}`
    const end = Number.isNaN(spans.endNs[row]) ? '…' : spans.endNs[row]
    return `${threads[spans.thread[row]!]!.name}: ${name.text}${role} ${CATEGORIES[name.category]} ${spans.startNs[row]}-${end}${flags}`
  })
}
export function launchesOf({ launches, strings, threads }: RawRows): string[] {
  return Array.from(launches.name, (name, row) => {
    const thread = threads[launches.thread[row]!]!.name
    return `${thread}: ${strings[name]} ${launches.startNs[row]}-${launches.endNs[row]} #${launches.correlationId[row]}`
  })
}
export function gpuOf({ gpu, strings }: RawRows): string[] {
  return Array.from(gpu.kind, (kind, row) => {
    const memory =
      GPU_KINDS[kind] === 'copy'
        ? ` ${MEMORY_KINDS[gpu.from[row]!]}->${MEMORY_KINDS[gpu.to[row]!]} ${gpu.bytes[row]} B`
        : ''
    const place = `${gpu.device[row]}/${gpu.context[row]}/${gpu.stream[row]}`
    return `${GPU_KINDS[kind]} ${strings[gpu.name[row]!]}${memory} @${place} ${gpu.startNs[row]}-${gpu.endNs[row]} #${gpu.correlationId[row]}`
  })
}
export function warningsOf({ warnings }: RawRows): Record<string, number> {
  return Object.fromEntries(warnings.map(({ code, count }) => [code, count]))
}
