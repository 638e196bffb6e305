import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Scheme } from './schemes.ts'

/** `unsigned`: there is no signature of this scheme; `stale`: it is too old, or from the future; `forged`: none fits. */
export type Verdict = 'signed' | 'unsigned' | 'stale' | 'forged'

export interface SignedRequest {
  headers: IncomingHttpHeaders
  /** Its bytes as they came. */
  body: Buffer
}

/**
 * Whether somebody who has one of the secrets has signed the request.
 * @param options.keys What `scheme.keyOf` made of the secrets: several while they are being changed.
 * @param options.toleranceMs How old a signature may be, and how far its time may lie ahead, where the scheme has one.
 */
export function verify(
  scheme: Scheme,
  { headers, body }: SignedRequest,
  options: { keys: readonly Buffer[]; toleranceMs: number; nowMs?: number },
): Verdict {
  const claim = scheme.claimOf(headers)
  if (!claim || claim.signatures.length === 0) return 'unsigned'
  const { keys, toleranceMs, nowMs = Date.now() } = options
  if (claim.signedAtMs !== undefined && Math.abs(nowMs - claim.signedAtMs) > toleranceMs) return 'stale'
  let isSigned = false
  for (const key of keys) {
    // A header holds the bytes that came, one character each.
    const digest = createHmac('sha256', key).update(claim.prefix, 'latin1').update(body).digest()
    // Every pair is compared, so that the time says nothing about which of them fits.
    for (const signature of claim.signatures) isSigned = timingSafeEqual(digest, signature) || isSigned
  }
  return isSigned ? 'signed' : 'forged'
}
