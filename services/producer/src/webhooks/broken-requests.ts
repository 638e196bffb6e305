import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { type RefusalReason, refusals } from './answers.ts'

/** Why Node's HTTP server gives a request up, by the code of its error. */
const reasons: Readonly<Record<string, RefusalReason>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'too-slow',
  HPE_HEADER_OVERFLOW: 'head-too-large',
}

/**
 * Answers what Node's HTTP server gives up: a request that comes too slowly, has too large a head, or is no HTTP. The
 * connection ends with it. One on which nothing came, which proxies open ahead of use, is closed without a word.
 */
export class BrokenRequests {
  readonly #sockets = new WeakSet<Socket>()
  readonly #tell: (reason: RefusalReason, error: string, ip: string) => void

  constructor(tell: (reason: RefusalReason, error: string, ip: string) => void) {
    this.#tell = tell
  }

  /** Whether the request on this connection was answered here. */
  has(socket: Socket): boolean {
    return this.#sockets.has(socket)
  }

  answer({ code = 'unknown' }: NodeJS.ErrnoException, socket: Socket): void {
    // Whoever is gone is not answered.
    if (code === 'ECONNRESET' || socket.destroyed) return
    if (socket.bytesRead === 0) return void socket.destroy()
    const reason = reasons[code] ?? 'bad-request'
    this.#sockets.add(socket)
    this.#tell(reason, code, socket.remoteAddress ?? '')
    if (socket.writable) socket.write(textOf(reason))
    socket.destroy()
  }
}

function textOf(reason: RefusalReason): string {
  const { status, body } = refusals[reason]
  const json = JSON.stringify(body)
  const head = ['content-type: application/json', `content-length: ${Buffer.byteLength(json)}`, 'connection: close']
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...head, '', json].join('\r\n')
}
