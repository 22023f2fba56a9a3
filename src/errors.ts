/** Codes of {@link OpscopeError}; stable across releases. */
export type OpscopeErrorCode =
  | 'ERR_OPSCOPE_ALREADY_STARTED'
  | 'ERR_OPSCOPE_COLUMN_UNKNOWN'
  | 'ERR_OPSCOPE_FILE_DAMAGED'
  | 'ERR_OPSCOPE_FILE_FORMAT'
  | 'ERR_OPSCOPE_FILE_READ'
  | 'ERR_OPSCOPE_FILE_WRITE'
  | 'ERR_OPSCOPE_GPU_UNAVAILABLE'
  | 'ERR_OPSCOPE_INTEGRATION'
  | 'ERR_OPSCOPE_LISTEN'
  | 'ERR_OPSCOPE_MERGE'
  | 'ERR_OPSCOPE_NATIVE_MISSING'
  | 'ERR_OPSCOPE_NOT_STARTED'
  | 'ERR_OPSCOPE_OPTION_UNKNOWN'
  | 'ERR_OPSCOPE_OPTION_VALUE'
  | 'ERR_OPSCOPE_PACKAGE_MISSING'
  | 'ERR_OPSCOPE_REMOTE'
  | 'ERR_OPSCOPE_ROWS'
  | 'ERR_OPSCOPE_SESSION_STOPPED'
  | 'ERR_OPSCOPE_STOP_BUSY'
  | 'ERR_OPSCOPE_UNLIKE'
  | 'ERR_OPSCOPE_OUT_OF_MEMORY'

/** Every error opscope throws. `code` is stable; `message` may change; `hint` says what to do next. */
export class OpscopeError extends Error {
  readonly code: OpscopeErrorCode
  readonly hint: string | undefined
  override get name(): string {
    return 'OpscopeError'
  }
  constructor(code: OpscopeErrorCode, message: string, hint?: string, options?: ErrorOptions) {
    super(hint === undefined ? message : `${message}\n  ${hint}`, options)
    this.code = code
    this.hint = hint
  }
}

/** For a sentence. What a program throws need be no error, and reading it may throw again. */
export function reasonOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error)
  } catch {
    return typeof error
  }
}
