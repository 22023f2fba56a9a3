/** Status codes of gRPC. */
export const STATUS = {
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const
export type StatusName = keyof typeof STATUS

/** A call that cannot be answered, and why, as its caller is told. */
export class CallFailure extends Error {
  readonly status: StatusName
  override get name(): string {
    return 'CallFailure'
  }
  constructor(status: StatusName, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}
