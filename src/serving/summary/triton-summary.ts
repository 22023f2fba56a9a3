import type { RequestTracePiece } from '../../binding.js'
import { checkChoice, checkKeys } from '../../option-checks.js'
import { DataFlowChoice } from './data-flow.js'
import { forEachFamily } from './families.js'
import { readTraces, type TraceFileFacts } from './read-traces.js'
import { TRACE_V1_NAMES, TRACE_V2_NAMES } from './slots.js'
import { FILTER_KEYS, TraceFilter, type TraceFilterOptions } from './trace-filter.js'
import type { SummaryWarning } from './trace-summary.js'
import { fileWarnings } from './trace-warnings.js'
import { dataFlowText } from './triton-data-flow.js'
import { TRITON_VERSIONS, TritonPass, type TritonVersion } from './triton-passes.js'
import { groupsText, shownText } from './triton-text.js'

const NEWEST: TritonVersion = 'v2.43'

export interface TritonSummaryOptions extends TraceFilterOptions {
  /** @default 'v1' for a file with the names of v1, else the newest */
  version?: TritonVersion
  /** The stamps of each trace first, as `-t` does. Then all of them are held in memory: they are printed by id. */
  showTraces?: boolean
  /** What the text calls the file. @default the path */
  name?: string
}
export interface TritonSummary {
  /** What Triton's script prints, byte for byte. */
  text: string
  /** Whose text it is. */
  version: TritonVersion
  /** How many traces it counts. */
  traces: number
  warnings: SummaryWarning[]
}

/**
 * The text of Triton's own trace_summary.py, for scripts that read it.
 *
 * @throws OpscopeError ERR_OPSCOPE_FILE_DAMAGED where the script ends with an exception, and as summarizeTraces()
 * @example
 * const { text } = await tritonSummary('trace.json', { version: 'v2.41' })
 */
export async function tritonSummary(path: string, options: TritonSummaryOptions = {}): Promise<TritonSummary> {
  checkKeys(options, [...FILTER_KEYS, 'version', 'showTraces', 'name'])
  checkChoice(options, 'version', TRITON_VERSIONS)
  const { showTraces = false, name = path } = options
  const filter = new TraceFilter(options)
  const flow = new DataFlowChoice()
  let version = options.version
  let passes: TritonPass[] = []
  const onPiece = (piece: RequestTracePiece, facts: TraceFileFacts) => {
    if (piece.rows === 0) return
    version ??= versionOf(piece)
    if (passes.length === 0) passes = [new TritonPass(version, 'HTTP'), new TritonPass(version, 'GRPC')]
    const isWanted = wantedRows(piece, facts, filter)
    for (const pass of passes) addRows(pass, piece, facts, isWanted, showTraces)
    if (!version.startsWith('v1')) flow.add(piece)
  }
  const facts = await readTraces(path, { tensors: true, allStamps: showTraces }, onPiece)
  const parts = passes.map(pass => ({ groups: pass.groups, shown: pass.shown }))
  const text = [
    `File: ${name}\n`,
    ...parts.map(({ groups, shown }, at) => {
      const frontEnd = at === 0 ? 'HTTP' : 'GRPC'
      return shownText(shown, version!) + groupsText(groups, frontEnd, version!)
    }),
    flow.chosen === undefined ? '' : dataFlowText(flow, facts.models),
  ]
  return {
    text: text.join(''),
    version: version ?? NEWEST,
    traces: parts.reduce((sum, { groups }) => groups.reduce((all, { count }) => all + count, sum), 0),
    warnings: fileWarnings(facts, { badStamps: 0, orphans: 0, leftOut: 0 }),
  }
}

function versionOf({ flags, rows }: RequestTracePiece): TritonVersion {
  for (let row = 0; row < rows; row++) {
    if ((flags[row]! & TRACE_V2_NAMES) !== 0) return NEWEST
    if ((flags[row]! & TRACE_V1_NAMES) !== 0) return 'v1'
  }
  return NEWEST
}

function wantedRows(piece: RequestTracePiece, facts: TraceFileFacts, filter: TraceFilter): (row: number) => boolean {
  if (filter.isOpen) return () => true
  const wanted = new Uint8Array(piece.rows)
  forEachFamily(piece, (first, end) => {
    if (!filter.hasTime(piece, first)) return
    for (let row = first; row < end; row++) wanted[row] = Number(filter.hasModel(piece.models[row]!, facts.models))
  })
  return row => wanted[row] === 1
}

function addRows(
  pass: TritonPass,
  piece: RequestTracePiece,
  facts: TraceFileFacts,
  isWanted: (row: number) => boolean,
  isShown: boolean,
): void {
  const selected = new Uint8Array(piece.rows)
  for (let row = 0; row < piece.rows; row++) {
    if (!pass.selects(piece, row, selected)) continue
    selected[row] = 1
    if (isWanted(row)) pass.add(piece, row, facts, isShown)
  }
}
