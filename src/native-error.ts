import { OpscopeError, type OpscopeErrorCode } from './errors.js'

/** The native core rejects with plain errors that carry a code: names them as ours, after the words that say where. */
export function ownError(error: unknown, where: string): Error {
  const { code, message } = error as NodeJS.ErrnoException
  if (error instanceof OpscopeError || !String(code).startsWith('ERR_OPSCOPE_')) {
    return error as Error
  }
  return new OpscopeError(code as OpscopeErrorCode, `${where}: ${message}`, undefined, { cause: error })
}
