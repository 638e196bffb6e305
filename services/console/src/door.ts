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
export const SESSION_MS = 12 * 3_600_000
const SAFE_METHODS = ['GET', 'HEAD']
/** Where a browser says that a request comes from when it comes from the page itself, or from nobody's page. */
const OWN_SITES = ['same-origin', 'none']
/** Most proxies add one of these. */
const PROXY_HEADERS = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via']

/**
 * Who may come in. With a token, whoever has shown it, and nobody else: where a request comes from says nothing, because
 * a proxy on this machine may hand on what others ask. Without one, whoever is on this machine.
 */
export class Door {
  readonly #token: string | undefined

  constructor(token: string | undefined) {
    this.#token = token
  }

  get hasToken(): boolean {
    return this.#token !== undefined
  }

  admits(visitor: Visitor, now = Date.now()): boolean {
    return this.#token === undefined ? isOnThisMachine(visitor) : this.#isSession(sessionIn(visitor), now)
  }

  /** What the cookie of somebody who shows this token is to hold. Undefined: it is not the token. */
  sessionFor(token: string, now = Date.now()): string | undefined {
    return this.#token !== undefined && isEqual(token, this.#token) ? this.#sessionUntil(now + SESSION_MS) : undefined
  }

  #isSession(session: string, now: number): boolean {
    const until = Number(session.split('.', 1)[0])
    return now < until && isEqual(session, this.#sessionUntil(until))
  }

  /** Its end, signed with the token: it ends with the token, too, and tells nothing of it. */
  #sessionUntil(until: number): string {
    return `${until}.${createHmac('sha256', String(this.#token)).update(`console session until ${until}`).digest('base64url')}`
  }
}

/**
 * Whether a request could come from a page of another site, which a browser sends with the rights of its user, or, for
 * what that user's machine may do, without them. Such a page cannot send JSON without asking first, and its browser
 * says where it comes from.
 */
export function isForged({ method, headers }: Visitor): boolean {
  const { origin, host, 'sec-fetch-site': site, 'content-type': type } = headers
  if (site !== undefined && !OWN_SITES.includes(String(site))) return true
  if (SAFE_METHODS.includes(method)) return false
  if (!/^application\/json\b/.test(String(type))) return true
  return origin !== undefined && originHost(String(origin)) !== host
}

function sessionIn({ headers }: Visitor): string {
  const cookies = String(headers.cookie ?? '').split(/;\s*/)
  return cookies.find((cookie) => cookie.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1) ?? ''
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

/** In a time that tells nothing of where they differ. */
function isEqual(a: string, b: string): boolean {
  const [digestA, digestB] = [a, b].map((text) => createHmac('sha256', 'compare').update(text).digest())
  return timingSafeEqual(digestA as Buffer, digestB as Buffer)
}
