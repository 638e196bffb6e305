import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { type RefusalReason, refusals } from './answers.ts'

/** Why Node's HTTP server gives a request up, by the code of its error. */
const reasons: Readonly<Record<string, RefusalReason>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'too-slow',
  HPE_HEADER_OVERFLOW: 'head-too-large',
}

/** `request`: undefined where it is given up before its head was complete. */
type Tell = (reason: RefusalReason, error: string, ip: string, request: IncomingMessage | undefined) => void

/**
 * Answers what Node's HTTP server gives up: a request that comes too slowly, has too large a head, or is no HTTP. The
 * connection ends with it. One on which nothing came, which proxies open ahead of use, is closed without a word; so is one
 * on which the rest of a request that has its answer does not come.
 */
export class BrokenRequests {
  readonly #sockets = new WeakSet<Socket>()
  /** The last request on a connection that was answered before all of it had come. */
  readonly #answeredEarly = new WeakMap<Socket, IncomingMessage>()
  /** The last request on a connection of which the body is read. */
  readonly #reading = new WeakMap<Socket, IncomingMessage>()
  readonly #tell: Tell

  constructor(tell: Tell) {
    this.#tell = tell
  }

  /** Whether the request on this connection was answered here. */
  has(socket: Socket): boolean {
    return this.#sockets.has(socket)
  }

  /** The body of a request is about to be read. */
  noteBody(request: IncomingMessage): void {
    this.#reading.set(request.socket, request)
  }

  /** A request has its answer; what is still to come of it gets no further one. */
  noteAnswer(request: IncomingMessage): void {
    if (!request.complete) this.#answeredEarly.set(request.socket, request)
  }

  answer({ code = 'unknown' }: NodeJS.ErrnoException, socket: Socket): void {
    // Whoever is gone is not answered.
    if (code === 'ECONNRESET' || socket.destroyed) return
    if (socket.bytesRead === 0 || this.#answeredEarly.get(socket)?.complete === false) return void socket.destroy()
    const reason = reasons[code] ?? 'bad-request'
    this.#sockets.add(socket)
    const request = this.#reading.get(socket)
    this.#tell(reason, code, socket.remoteAddress ?? '', request?.complete === false ? request : undefined)
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
