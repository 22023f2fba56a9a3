import { native, type RequestTraceNeeds, type RequestTracePiece } from '../../binding.js'
import { OpscopeError } from '../../errors.js'
import { InputFile } from '../../import/input-file.js'

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
  const file = await InputFile.open(path)
  try {
    const traces = openRequestTraces(needs)
    const facts: TraceFileFacts = { models: [], customNames: [], counts: NO_COUNTS, isCut: false }
    let isAtEnd = false
    const take = async (piece: RequestTracePiece) => {
      isAtEnd = piece.isAtEnd
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
    const feed = (source: TraceSource) => feedRequestTraces(traces, source)
    const handle = await file.openPlain()
    if (handle === undefined) {
      await feedAll(file.chunks(), feed, take)
    } else {
      try {
        await feedAll(
          untilEnd(handle.fd, () => isAtEnd),
          feed,
          take,
        )
      } finally {
        await handle.close()
      }
    }
    await take(await feed(null))
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

type TraceSource = Uint8Array | number | null

/** One source ahead: the native side reads the next one while `take` works. */
async function feedAll(
  sources: AsyncIterable<TraceSource> | Iterable<TraceSource>,
  feed: (source: TraceSource) => Promise<RequestTracePiece>,
  take: (piece: RequestTracePiece) => Promise<void>,
): Promise<void> {
  let coming: Promise<RequestTracePiece> | undefined
  try {
    for await (const source of sources) {
      const before = coming
      coming = feed(source)
      if (before !== undefined) await take(await before)
    }
    if (coming !== undefined) await take(await coming)
  } finally {
    // A descriptor that is still read must not be closed.
    await coming?.catch(() => {})
  }
}

function* untilEnd(fd: number, isAtEnd: () => boolean): Generator<number> {
  while (!isAtEnd()) yield fd
}

function foreignError(path: string): OpscopeError {
  return new OpscopeError(
    'ERR_OPSCOPE_FILE_FORMAT',
    `${path} is no request trace.`,
    'Expected the JSON that Triton Inference Server writes with --trace-config triton,file=…',
  )
}
