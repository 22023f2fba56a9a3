import { native, type RequestTraceNeeds, type RequestTracePiece } from '../../binding.js'
import { OpscopeError } from '../../errors.js'
import { TraceFile } from '../../import/trace-file.js'

export interface TraceModel {
  name: string
  /** As its file has it: `3`, or `-1` for the latest; empty where it does not tell. */
  version: string
}
/** What is known of a file while its pieces come, and after the last one. */
export interface TraceFileFacts {
  /** By the index that {@link RequestTracePiece.models} has. */
  models: TraceModel[]
  /** Names of stamps that are no slots. */
  customNames: string[]
  counts: RequestTracePiece['counts']
  isCut: boolean
}

/**
 * Reads the request traces of a file in bounded memory; `.gz` is unpacked. The native side reads the next piece while
 * `onPiece` works on this one, and waits for what it returns.
 * @throws OpscopeError ERR_OPSCOPE_FILE_READ, ERR_OPSCOPE_FILE_FORMAT for what is no JSON at all
 */
export async function readTraces(
  path: string,
  needs: RequestTraceNeeds,
  onPiece: (piece: RequestTracePiece, facts: TraceFileFacts) => void | Promise<void>,
): Promise<TraceFileFacts> {
  const { openRequestTraces, feedRequestTraces } = native()
  const file = await TraceFile.open(path)
  try {
    const traces = openRequestTraces(needs)
    const facts: TraceFileFacts = { models: [], customNames: [], counts: NO_COUNTS, isCut: false }
    const take = async (piece: RequestTracePiece) => {
      if (piece.isForeign) throw foreignError(path)
      for (const text of piece.newModels) {
        const end = text.indexOf('\n')
        facts.models.push({ version: text.slice(0, end), name: text.slice(end + 1) })
      }
      facts.customNames.push(...piece.newNames)
      facts.counts = piece.counts
      facts.isCut = piece.isCut
      await onPiece(piece, facts)
    }
    let coming: Promise<RequestTracePiece> | undefined
    for await (const chunk of file.passingChunks()) {
      const started = feedRequestTraces(traces, chunk)
      if (coming !== undefined) await takeFrom(coming, started, take)
      coming = started
    }
    const last = feedRequestTraces(traces, null)
    if (coming !== undefined) await takeFrom(coming, last, take)
    await take(await last)
    if (facts.counts.fragments === 0 && facts.counts.damaged > 0) throw foreignError(path)
    return facts
  } finally {
    await file.close()
  }
}

const NO_COUNTS: RequestTracePiece['counts'] = {
  fragments: 0,
  damaged: 0,
  damagedStamps: 0,
  late: 0,
  split: 0,
  leftOutNames: 0,
  leftOutTensors: 0,
}

// If one fails, nobody waits for the next one any more, whose failure would end the process.
async function takeFrom(
  coming: Promise<RequestTracePiece>,
  next: Promise<RequestTracePiece>,
  take: (piece: RequestTracePiece) => Promise<void>,
): Promise<void> {
  try {
    await take(await coming)
  } catch (error) {
    next.catch(() => {})
    throw error
  }
}

function foreignError(path: string): OpscopeError {
  return new OpscopeError(
    'ERR_OPSCOPE_FILE_FORMAT',
    `${path} is no request trace.`,
    'Expected the JSON that Triton Inference Server writes with --trace-config triton,file=…',
  )
}
