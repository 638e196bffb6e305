import { messageOf, RedisRefusedError } from '../base/errors.ts'
import type { RedisAddress } from '../define/redis-options.ts'

// What goes wrong while connecting, in words that name the cause and the setting.

const NO_TLS = 'if Redis speaks no TLS on this port, use redis:// or socket.tls false'
const TLS_ONLY = 'if this port speaks TLS, use rediss:// or socket.tls true'
const CERTIFICATE =
  "Redis' certificate is not trusted: set socket.ca or NODE_EXTRA_CA_CERTS to the authority that signed it"

/** An error of the options themselves: trying again cannot help. */
export function explainOptionsError(error: unknown): RedisRefusedError {
  return new RedisRefusedError(`redis: the URL or the options cannot be used: ${messageOf(error)}`)
}

/** The text of a refusal by Redis, with its meaning where the text alone does not say it. */
export function explainRefusal(text: string): string {
  const isCluster = text.startsWith('MOVED') || text.startsWith('CROSSSLOT')
  return isCluster ? `this is a node of a Redis Cluster, which is not supported: ${text}` : text
}

/** An error while connecting, which may pass. The cause is left out: it may hold the URL with its password. */
export function explainConnectError(error: unknown, address: RedisAddress): Error {
  const text = messageOf(error)
  const hint = usesTls(address) ? hintWithTls(text, codeOf(error)) : hintWithoutTls(text)
  return new Error(hint ? `${text}: ${hint}` : text)
}

function hintWithTls(text: string, code: string): string | undefined {
  if (/CERT|LEAF_SIGNATURE|ALTNAME/.test(code)) return CERTIFICATE
  // Redis waits for the end of a line that TLS never sends; other servers answer with what is no TLS.
  const isPlain = text.startsWith('no answer') || /EPROTO|SSL|wrong version number/i.test(`${code} ${text}`)
  return isPlain ? NO_TLS : undefined
}

function hintWithoutTls(text: string): string | undefined {
  return /^Socket closed unexpectedly|ECONNRESET/.test(text) ? TLS_ONLY : undefined
}

function usesTls(address: RedisAddress): boolean {
  const { url, socket } = typeof address === 'string' ? { url: address, socket: undefined } : address
  return url?.startsWith('rediss:') === true || (socket !== undefined && 'tls' in socket && socket.tls === true)
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
}
