import { createHmac, randomBytes } from 'node:crypto'
import { standardScheme } from './schemes.ts'

/** A secret of Standard Webhooks that nobody else knows. */
export const newStandardSecret = () => `whsec_${randomBytes(32).toString('base64')}`

/** The headers that a sender by Standard Webhooks puts to this body: its signature is of now. */
export function signStandard(secret: string, id: string, body: string): Record<string, string> {
  const seconds = String(Math.floor(Date.now() / 1_000))
  const hmac = createHmac('sha256', standardScheme.keyOf(secret)).update(`${id}.${seconds}.${body}`)
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': seconds,
    'webhook-signature': `v1,${hmac.digest('base64')}`,
  }
}
