import type { HostFailure } from './host-failure.js'
import { decodeProfileResponse, type ToolData } from './messages.js'
import { xspaceNotes } from './xspace-notes.js'

/** What a host's reply has. */
export interface HostReply {
  /** Empty also where the server kept them for itself. */
  tools: ToolData[]
  /** What the server says of its recording. */
  warnings: string[]
  failure?: HostFailure
}

const XPLANE = 'xplane.pb'

export function readReply(bytes: Uint8Array): HostReply {
  let response: ReturnType<typeof decodeProfileResponse>
  try {
    response = decodeProfileResponse(bytes)
  } catch (error) {
    const message = `The reply cannot be understood: ${(error as Error).message}.`
    return { tools: [], warnings: [], failure: { reason: 'damaged', message } }
  }
  const { toolData, xspace, emptyTrace } = response
  const own = toolData.find(({ name }) => name === XPLANE)?.data ?? xspace
  const { errors, warnings } = own === undefined ? { errors: [], warnings: [] } : xspaceNotes(own)
  const notes = [...errors, ...warnings]
  if (emptyTrace) return { tools: [], warnings: [], failure: emptyFailure(notes) }
  const isMissing = xspace !== undefined && own === xspace
  return { tools: isMissing ? [...toolData, { name: XPLANE, data: xspace }] : toolData, warnings: notes }
}

function emptyFailure(reasons: readonly string[]): HostFailure {
  if (reasons.length > 0) return { reason: 'empty', message: `Nothing was recorded: ${reasons.join('; ')}` }
  return {
    reason: 'empty',
    message: 'The server recorded nothing, and did not say why.',
    hint: 'Send it work while it records, or record for longer.',
  }
}
