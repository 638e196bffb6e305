import { messageOf, RedisRefusedError } from '../base/errors.ts'
import type { RedisAddress } from '../define/redis-options.ts'

// What goes wrong while connecting, in words that name the cause and the setting.

const NO_TLS = 'if Redis speaks no TLS on this port, use redis:// or socket.tls false'
const TLS_ONLY = 'if this port speaks TLS, use rediss:// or socket.tls true'
const NOT_TRUSTED =
  "Redis' certificate is not trusted: set socket.ca (for the services REDIS_CA_FILE) to the authority that signed it"
const ASKS_FOR_CERTIFICATES =
  'if Redis asks for certificates, set socket.cert and socket.key (for the services REDIS_CERT_FILE and REDIS_KEY_FILE) ' +
  'to one that it trusts'

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
  // Redis refuses a certificate when the handshake is over for this side: the reason may be lost with the connection.
  if (/ALERT.*(CERT|UNKNOWN_CA)|ECONNRESET|EPIPE/.test(code) || /^Socket closed/.test(text))
    return ASKS_FOR_CERTIFICATES
  if (/SELF_SIGNED|UNABLE_TO_|CERT_SIGNATURE|CERT_UNTRUSTED/.test(code)) return NOT_TRUSTED
  // What else is wrong with a certificate, such as its date or its host, the text says by itself.
  if (/CERT/.test(code)) return undefined
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
