// The child of ChildHost: loads a file and runs its cases as it is asked to.
import { OpscopeError, reasonOf } from '../errors.js'
import { loadCases } from './bench-file.js'
import { CaseFailure } from './case-failure.js'
import type { Answer, Ask, ChildReply, ChildRequest } from './child-protocol.js'
import { LocalHost } from './local-host.js'

let host = new LocalHost([], 0)

async function answer(request: ChildRequest): Promise<unknown> {
  switch (request.kind) {
    case 'load': {
      const cases = await loadCases(request.path)
      host = new LocalHost(cases, request.deadlineMs)
      return cases.map(({ name }) => name)
    }
    case 'prepare':
      return host.prepare(request.caseName, request.warmupMs)
    case 'sample':
      return host.sample(request.caseName, request.iterations)
    case 'profile':
      return host.profiledSample(request.caseName, request.iterations, request.options)
    case 'pace':
      return host.paceNs()
    case 'finish':
      return host.finish(request.caseName)
  }
}

function replyOf(error: unknown): ChildReply {
  if (error instanceof CaseFailure) return { failure: error.failure }
  const code = error instanceof OpscopeError ? error.code : ''
  return { error: { code, message: error instanceof OpscopeError ? error.message : reasonOf(error) } }
}

process.on('message', async ({ opscopeAsk, request }: Ask) => {
  let reply: ChildReply
  try {
    reply = { value: await answer(request) }
  } catch (error) {
    reply = replyOf(error)
  }
  const message: Answer = { opscopeAnswer: opscopeAsk, reply }
  // A parent that has gone does not read it, which is no trouble of the child's.
  process.send!(message, undefined, undefined, () => {})
})
// The parent is gone, or wants no more.
process.on('disconnect', () => process.exit())
