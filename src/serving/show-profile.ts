import type { NativeWarning } from '../binding.js'
import { openOutput, type Written, writeOutput } from '../export/index.js'
import { writeWhole } from '../export/output.js'
import { InputFile } from '../import/input-file.js'
import { readProfileLog } from '../import/profile-log/records.js'
import { type CompatCounts, showProfileText, timelineText } from './profile-log/compat.js'
import { ProfileStatistics, type ProfileSummary } from './profile-log/statistics.js'

/**
 * The stages of a log of stage lines as figures, in bounded memory: a log of any size is read once. Gzip is unpacked.
 * @param threads what totals are divided by for `perThreadNs`. @default the number of processes in the log
 * @throws OpscopeError ERR_OPSCOPE_FILE_READ
 * @example
 * const { requests, stages } = await summarizeProfileLog('profile')
 */
export async function summarizeProfileLog(path: string, threads = 0): Promise<ProfileSummary> {
  return withChunks(path, async chunks => {
    const statistics = new ProfileStatistics()
    const counts = await readProfileLog(chunks, record => statistics.take(record))
    return statistics.summary(counts, threads)
  })
}

/**
 * What Paddle Serving's `show_profile.py` prints of a log, byte for byte.
 * @throws OpscopeError ERR_OPSCOPE_FILE_READ
 */
export async function paddleShowProfile(
  path: string,
  threads: number,
): Promise<{ text: string; warnings: NativeWarning[] }> {
  return withChunks(path, async chunks => {
    const { text, counts } = await showProfileText(chunks, threads)
    return { text, warnings: warningsOf(counts) }
  })
}

/**
 * Writes what Paddle Serving's `timeline_trace.py` makes of a log, byte for byte, in bounded memory.
 * @throws OpscopeError ERR_OPSCOPE_FILE_READ, ERR_OPSCOPE_FILE_WRITE
 */
export async function writePaddleTimeline(path: string, to: string): Promise<Written> {
  const output = openOutput(to, { format: 'chrome' })
  return withChunks(path, chunks =>
    writeOutput(output, async fd => {
      const counts: CompatCounts = { skippedEvents: 0, longLines: 0 }
      let bytes = 0
      for await (const text of timelineText(chunks, counts)) bytes += writeWhole(fd, Buffer.from(text))
      return { bytes, warnings: warningsOf(counts) }
    }),
  )
}

function warningsOf({ skippedEvents, longLines }: CompatCounts): NativeWarning[] {
  const count = skippedEvents + longLines
  const detail = 'events of stage lines that could not be read'
  return count === 0 ? [] : [{ code: 'stages-damaged', detail, count }]
}

async function withChunks<T>(path: string, read: (chunks: AsyncIterable<Buffer>) => Promise<T>): Promise<T> {
  const file = await InputFile.open(path)
  try {
    return await read(file.chunks())
  } finally {
    await file.close()
  }
}
