import { WireWriter } from './wire-writer.js'
import type { RoomyBytes } from './xspace.js'

/** What a capture is answered with: nothing, a file for the client to write, or the XSpace itself. */
export type ProfileReply =
  | { kind: 'empty' }
  | { kind: 'tool'; xspace: RoomyBytes }
  | { kind: 'xspace'; xspace: RoomyBytes; isEmpty: boolean }

/** Clients name their file after the tool: `localhost_9012.xplane.pb`. */
export const TOOL = 'xplane.pb'

/** A ProfileResponse, made around the XSpace where that is. */
export function encodeProfileReply(reply: ProfileReply): Buffer {
  if (reply.kind === 'empty') return new WireWriter().bool(7, true).finish()
  const { bytes } = reply.xspace
  if (reply.kind === 'xspace') {
    return bufferOf(reply.xspace.after(new WireWriter().bool(7, reply.isEmpty).head(8, bytes.length).finish()))
  }
  const tool = new WireWriter().string(1, TOOL).head(2, bytes.length)
  const head = new WireWriter().head(6, tool.length + bytes.length).finish()
  return bufferOf(reply.xspace.after(tool.finish()).after(head))
}

function bufferOf({ bytes }: RoomyBytes): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
