import type { ProfilerOptions } from '../options.js'
import type { Failure } from './case-failure.js'

/** What a parent asks of a child that runs a file's cases, one at a time. */
export type ChildRequest =
  | { kind: 'load'; path: string; deadlineMs: number }
  | { kind: 'prepare'; caseName: string; warmupMs: number }
  | { kind: 'sample'; caseName: string; iterations: number }
  | { kind: 'profile'; caseName: string; iterations: number; options: ProfilerOptions }
  | { kind: 'pace' }
  | { kind: 'finish'; caseName: string }

export type ChildReply = { value: unknown } | { failure: Failure } | { error: { code: string; message: string } }

// Numbered, since a case may send messages of its own by process.send(), which are none of ours.
export interface Ask {
  opscopeAsk: number
  request: ChildRequest
}
export interface Answer {
  opscopeAnswer: number
  reply: ChildReply
}
