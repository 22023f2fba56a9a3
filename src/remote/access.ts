// Who may capture: by where a request comes from, by a token, by the program's own rule.
import { createHash, timingSafeEqual } from 'node:crypto'

import { OpscopeError } from '../errors.js'
import { ACCESS_KEYS, gateOf, type NetworkAccess, type Origin, type Refusals } from '../network-access.js'
import { CallFailure } from './call-failure.js'

/** Who may capture. Without any of these: requests of this machine. */
export interface CaptureAccess<Request> extends NetworkAccess<Request> {
  /** Callers must send it, as `authorization: Bearer TOKEN`; other machines' are heard then, unless `allowRemote` is false. */
  token?: string
}
export const CAPTURE_ACCESS_KEYS: readonly string[] = [...ACCESS_KEYS, 'token']

export interface CaptureAdmission<Request> {
  /** @throws CallFailure PERMISSION_DENIED, UNAUTHENTICATED */
  admit(request: Request, origin: Origin): Promise<void>
  readonly refusals: Refusals
}

/**
 * @param credentialOf what a request has as `authorization`
 * @throws OpscopeError ERR_OPSCOPE_OPTION_UNKNOWN, ERR_OPSCOPE_OPTION_VALUE
 */
export function admissionOf<Request>(
  { token, ...access }: CaptureAccess<Request>,
  credentialOf: (request: Request) => string | undefined,
): CaptureAdmission<Request> {
  if (token === undefined) {
    const { refusalOf, refusals } = gateOf(access, 'Captures')
    return { refusals, admit: async (request, origin) => refuse('PERMISSION_DENIED', await refusalOf(request, origin)) }
  }
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
    const message = 'Expected the "token" option to be a text of visible ASCII signs.'
    throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', message)
  }
  const wanted = digest(`Bearer ${token}`)
  const hasToken = (request: Request) => timingSafeEqual(digest(credentialOf(request) ?? ''), wanted)
  gateOf(access, 'Captures') // its options are checked as they were given
  const authorize = async (request: Request) => hasToken(request) && (await (access.authorize?.(request) ?? true))
  const { refusalOf, refusals } = gateOf({ ...access, authorize }, 'Captures')
  return {
    refusals,
    async admit(request, origin) {
      const reason = await refusalOf(request, origin)
      refuse(reason === undefined || hasToken(request) ? 'PERMISSION_DENIED' : 'UNAUTHENTICATED', reason)
    },
  }
}

function refuse(status: 'PERMISSION_DENIED' | 'UNAUTHENTICATED', reason: string | undefined): void {
  if (reason !== undefined) throw new CallFailure(status, reason)
}
/** Of one length, so that the time a comparison takes tells nothing. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
