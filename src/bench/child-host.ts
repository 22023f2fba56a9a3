import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import { OpscopeError, type OpscopeErrorCode } from '../errors.js'
import type { ProfilerOptions } from '../options.js'
import { CaseFailure, type CaseStage } from './case-failure.js'
import type { Answer, Ask, ChildRequest } from './child-protocol.js'
import type { Host, Prepared, ProfiledSample, Sample } from './host.js'
import { endWithUs } from './open-children.js'

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url))
// What the child needs beyond a deadline of its own, by which it tells of an async body that does not end.
const GRACE_MS = 2000
// A process on a machine that is busy, with all that its file imports.
const START_MS = 10_000

/**
 * Runs the cases of a file in a child process. What does not return in time is ended with the process, and so is what
 * ends the process by itself; either fails the case that ran.
 */
export class ChildHost implements Host {
  readonly path: string
  readonly #deadlineMs: number
  readonly #child: ChildProcess
  #caseNames: readonly string[] = []
  #gone: string | undefined
  #asked = 0

  private constructor(path: string, deadlineMs: number) {
    this.path = path
    this.#deadlineMs = deadlineMs
    // What a case prints goes to standard error: standard output is for the report.
    this.#child = fork(CHILD, [], { stdio: ['ignore', 2, 2, 'ipc'], serialization: 'advanced' })
    endWithUs(this.#child)
    this.#child.once('exit', (code, signal) => {
      this.#gone ??= signal === null ? `the process ended with code ${code}` : `the process was ended by ${signal}`
    })
    this.#child.once('error', error => {
      this.#gone ??= error.message
    })
  }

  /** @throws OpscopeError as loadCases(), ERR_OPSCOPE_FILE_READ when loading does not end or ends the process */
  static async open(path: string, deadlineMs: number): Promise<ChildHost> {
    const host = new ChildHost(path, deadlineMs)
    try {
      host.#caseNames = (await host.#ask({ kind: 'load', path, deadlineMs }, deadlineMs + START_MS)) as string[]
      return host
    } catch (error) {
      await host.close()
      if (error instanceof OpscopeError) throw error
      throw new OpscopeError('ERR_OPSCOPE_FILE_READ', `Cannot run ${path}: ${(error as Error).message}`)
    }
  }

  get isGone(): boolean {
    return this.#gone !== undefined
  }
  get caseNames(): readonly string[] {
    return this.#caseNames
  }

  prepare(caseName: string, warmupMs: number): Promise<Prepared> {
    // Setup, first call and each stretch of the warm-up have the deadline for themselves.
    const ms = 2 * this.#deadlineMs + 2 * warmupMs
    return this.#askCase<Prepared>('warm-up', { kind: 'prepare', caseName, warmupMs }, ms)
  }
  sample(caseName: string, iterations: number): Promise<Sample> {
    return this.#askCase<Sample>('run', { kind: 'sample', caseName, iterations })
  }
  profiledSample(caseName: string, iterations: number, options: ProfilerOptions): Promise<ProfiledSample> {
    const ms = 2 * this.#deadlineMs + (options.gpuStartMs ?? 10_000)
    return this.#askCase<ProfiledSample>('run', { kind: 'profile', caseName, iterations, options }, ms)
  }
  async paceNs(): Promise<number> {
    try {
      return (await this.#ask({ kind: 'pace' }, this.#deadlineMs + GRACE_MS)) as number
    } catch {
      return 0
    }
  }
  async finish(caseName: string): Promise<void> {
    await this.#askCase('teardown', { kind: 'finish', caseName })
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return
    const ended = new Promise(resolve => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL')
    await ended
  }

  async #askCase<T>(stage: CaseStage, request: ChildRequest & { caseName: string }, ms = this.#deadlineMs): Promise<T> {
    return CaseFailure.of(request.caseName, stage, () =>
      this.#ask(request, ms + GRACE_MS, request.caseName),
    ) as Promise<T>
  }

  /** The child's answer; rejects when it is late, which ends the child, or when the child ends. */
  #ask(request: ChildRequest, ms: number, caseName = ''): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const child = this.#child
      const ask: Ask = { opscopeAsk: ++this.#asked, request }
      const settle = (end: () => void) => {
        clearTimeout(timer)
        child.off('message', onMessage)
        child.off('exit', onExit)
        child.off('error', onExit)
        end()
      }
      const onExit = () => settle(() => reject(new Error(this.#gone ?? 'the process ended')))
      const onMessage = (message: Partial<Answer> | null) => {
        const reply = message?.opscopeAnswer === ask.opscopeAsk ? message.reply : undefined
        if (reply === undefined) return
        settle(() => {
          if ('value' in reply) resolve(reply.value)
          else if ('failure' in reply) reject(new CaseFailure(caseName, reply.failure))
          else reject(errorOf(reply.error))
        })
      }
      const timer = setTimeout(() => {
        this.#gone = `it did not answer within ${Math.round(ms)} ms, and its process was ended`
        child.kill('SIGKILL')
      }, ms)
      if (this.#gone !== undefined) return onExit()
      child.on('message', onMessage)
      child.once('exit', onExit)
      child.once('error', onExit)
      try {
        child.send(ask, error => {
          if (error !== null && error !== undefined) onExit()
        })
      } catch (error) {
        // What cannot be cloned is refused at once.
        settle(() => reject(error))
      }
    })
  }
}

function errorOf({ code, message }: { code: string; message: string }): Error {
  return code === '' ? new Error(message) : new OpscopeError(code as OpscopeErrorCode, message)
}
