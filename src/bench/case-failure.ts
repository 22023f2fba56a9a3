import { reasonOf } from '../errors.js'

/** Where a case failed. */
export type CaseStage = 'setup' | 'warm-up' | 'run' | 'teardown'

/** What is told of a case that cannot be measured. */
export interface Failure {
  stage: CaseStage
  message: string
}

/** A case cannot be measured; the others go on. */
export class CaseFailure extends Error {
  readonly caseName: string
  readonly failure: Failure
  override get name(): string {
    return 'CaseFailure'
  }
  constructor(caseName: string, failure: Failure) {
    super(`${caseName}: ${failure.stage}: ${failure.message}`)
    this.caseName = caseName
    this.failure = failure
  }
  /** What `work` throws, as the failure of this case; a failure stays the one it is. */
  static async of<T>(caseName: string, stage: CaseStage, work: () => T | Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof CaseFailure) throw error
      throw new CaseFailure(caseName, { stage, message: reasonOf(error) })
    }
  }
}

/**
 * Resolves as the promise does, or fails after so many ms. What does not return cannot be ended from inside a process;
 * the command line runs files in a child process that it can end.
 */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it did not end within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
