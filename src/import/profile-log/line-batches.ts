/** A line longer than this is no record; without a limit, a file without line feeds would be collected in memory. */
const LONGEST_LINE_BYTES = 1 << 20

const LINE_FEED = 0x0a

/** The lines of a text, those of one chunk at a time; a \r stays at their end. Lines that are too long are counted. */
export async function* lineBatches(
  chunks: AsyncIterable<Uint8Array>,
  counts: { longLines: number },
): AsyncGenerator<string[]> {
  let rest: Buffer[] = []
  let restBytes = 0
  let isSkipping = false
  for await (const part of chunks) {
    const chunk = Buffer.from(part.buffer, part.byteOffset, part.byteLength)
    const first = chunk.indexOf(LINE_FEED)
    const last = chunk.lastIndexOf(LINE_FEED)
    if (isSkipping && first === -1) continue
    const begin = isSkipping ? first + 1 : 0
    isSkipping = false
    if (last >= begin) {
      yield split(Buffer.concat([...rest, chunk.subarray(begin, last)]))
      rest = []
      restBytes = 0
    }
    const tail = chunk.subarray(Math.max(begin, last + 1))
    if (tail.length === 0) continue
    rest.push(tail)
    restBytes += tail.length
    if (restBytes > LONGEST_LINE_BYTES) {
      counts.longLines += 1
      isSkipping = true
      rest = []
      restBytes = 0
    }
  }
  if (restBytes > 0) yield split(Buffer.concat(rest))
}

function split(bytes: Buffer): string[] {
  return bytes.toString('utf8').split('\n')
}
