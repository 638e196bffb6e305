import { createHmac, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'

/** What of a request decides whether it is let in. */
export interface Visitor {
  /** The address at the other end of the connection. */
  address: string
  method: string
  headers: Readonly<Record<string, string | string[] | undefined>>
}

export const COOKIE = 'console_session'
const SAFE_METHODS = ['GET', 'HEAD']
/** A proxy in front adds one of these: then the address is that of the proxy, and says nothing. */
const PROXY_HEADERS = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via']

/**
 * Who may come in: whoever is on this machine, and whoever has shown the token. The cookie holds a digest of the token,
 * so it ends with the token, and is none itself.
 */
export class Door {
  readonly #token: string | undefined

  constructor(token: string | undefined) {
    this.#token = token
  }

  /** Whether there is a token that others could show. */
  get hasToken(): boolean {
    return this.#token !== undefined
  }

  admits(visitor: Visitor): boolean {
    return isOnThisMachine(visitor) || this.#hasSession(visitor)
  }

  /** What the cookie of somebody who shows this token is to hold. Undefined: it is not the token. */
  sessionFor(token: string): string | undefined {
    return this.#token !== undefined && isEqual(token, this.#token) ? sessionOf(this.#token) : undefined
  }

  #hasSession({ headers }: Visitor): boolean {
    const cookies = String(headers.cookie ?? '').split(/;\s*/)
    const session = cookies.find((cookie) => cookie.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1)
    return this.#token !== undefined && session !== undefined && isEqual(session, sessionOf(this.#token))
  }
}

/**
 * Whether a request could come from a page of another site, which a browser sends with the rights of its user. Such a
 * page cannot send JSON without asking first, and its browser says where it comes from.
 */
export function isForged({ method, headers }: Visitor): boolean {
  if (SAFE_METHODS.includes(method)) return false
  const { origin, host, 'sec-fetch-site': site, 'content-type': type } = headers
  if (!/^application\/json\b/.test(String(type))) return true
  if (site !== undefined && site !== 'same-origin') return true
  return origin !== undefined && originHost(String(origin)) !== host
}

/**
 * A name of another machine in `host` means that somebody has pointed that name at this machine, to have a browser here
 * open the page for them.
 */
function isOnThisMachine({ address, headers }: Visitor): boolean {
  const isProxied = PROXY_HEADERS.some((name) => headers[name] !== undefined)
  return isLoopback(address) && !isProxied && isLocalName(hostnameOf(String(headers.host ?? '')))
}

const hostnameOf = (host: string) => host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')

function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/, '')
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'))
}

const isLocalName = (name: string) => name === 'localhost' || isLoopback(name)

function originHost(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}

const sessionOf = (token: string) => createHmac('sha256', token).update('console session').digest('base64url')

/** In a time that tells nothing of where they differ. */
function isEqual(a: string, b: string): boolean {
  const [digestA, digestB] = [a, b].map((text) => createHmac('sha256', 'compare').update(text).digest())
  return timingSafeEqual(digestA as Buffer, digestB as Buffer)
}
