import type { IncomingHttpHeaders } from 'node:http'

/** What the headers of a request say about its signature. Nothing of it is proved yet. */
export interface Claim {
  /** What the sender signs in front of the body. */
  prefix: string
  /** Any one of them has to fit. */
  signatures: readonly Buffer[]
  /** When the request was signed, in milliseconds since 1970; undefined where the scheme does not say. */
  signedAtMs?: number
}

/** How senders sign: an HMAC with SHA-256 over `prefix` and the bytes of the body. */
export interface Scheme {
  /**
   * The key that a secret stands for.
   * @throws {Error} that says what a secret has to be; it does not quote the secret.
   */
  keyOf(secret: string): Buffer
  /** Undefined: the headers hold no signature of this scheme. */
  claimOf(headers: IncomingHttpHeaders): Claim | undefined
}

const DIGEST_BYTES = 32
const MIN_KEY_BYTES = 24
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
const HEX_DIGEST = /^[0-9a-f]{64}$/i
const SECONDS = /^\d{1,12}$/

/** Standard Webhooks: secrets are `whsec_` and base64; the signature covers id, time and body. */
export const standardScheme: Scheme = {
  keyOf(secret) {
    const base64 = secret.replace(/^whsec_/, '')
    const key = Buffer.from(base64, 'base64')
    if (!BASE64.test(base64) || key.length < MIN_KEY_BYTES)
      throw new Error(`whsec_ and at least ${MIN_KEY_BYTES} bytes in base64`)
    return key
  },
  claimOf(headers) {
    const { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signatures } = headers
    if (typeof id !== 'string' || typeof seconds !== 'string' || typeof signatures !== 'string') return undefined
    if (id === '' || !SECONDS.test(seconds)) return undefined
    return {
      prefix: `${id}.${seconds}.`,
      signedAtMs: Number(seconds) * 1_000,
      signatures: signatures.split(' ').flatMap((signature) => digestOf('v1,', signature, BASE64, 'base64')),
    }
  },
}

/** GitHub: the signature covers the body alone. */
export const githubScheme: Scheme = {
  keyOf: (secret) => Buffer.from(secret),
  claimOf({ 'x-hub-signature-256': signature }) {
    if (typeof signature !== 'string') return undefined
    return { prefix: '', signatures: digestOf('sha256=', signature, HEX_DIGEST, 'hex') }
  },
}

/** Stripe: `t=` and one or several `v1=`; the signature covers time and body. */
export const stripeScheme: Scheme = {
  keyOf: (secret) => Buffer.from(secret),
  claimOf({ 'stripe-signature': header }) {
    if (typeof header !== 'string') return undefined
    const parts = header.split(',').map((part) => part.trim())
    const [seconds = '', ...more] = parts.filter((part) => part.startsWith('t=')).map((part) => part.slice(2))
    if (!SECONDS.test(seconds) || more.length > 0) return undefined
    return {
      prefix: `${seconds}.`,
      signedAtMs: Number(seconds) * 1_000,
      signatures: parts.flatMap((part) => digestOf('v1=', part, HEX_DIGEST, 'hex')),
    }
  },
}

/** The digest behind its mark; nothing where there is none, as with the signatures of a later version. */
function digestOf(mark: string, text: string, form: RegExp, encoding: 'base64' | 'hex'): Buffer[] {
  const digits = text.slice(mark.length)
  if (!text.startsWith(mark) || !form.test(digits)) return []
  const digest = Buffer.from(digits, encoding)
  return digest.length === DIGEST_BYTES ? [digest] : []
}
