import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

interface Pair {
  client: Socket
  upstream: Socket
  isForgotten: boolean
  /** What Redis answers goes nowhere; with the answer the connection ends. Called then. */
  onLostReply?: () => void
  /** Resolves when those so far are passed on. */
  replies: Promise<void>
}

/** A TCP proxy on loopback that can be broken: connections cut or forgotten, replies held back, new ones led elsewhere. */
export class TcpProxy {
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  #targetPort: number
  #dropReplies = false
  #replyDelayMs = 0
  #toLose: { text: string; onLost: () => void } | undefined

  private constructor(targetPort: number) {
    this.#targetPort = targetPort
    this.#server = createServer((client) => this.#join(client))
  }

  static async start(targetPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as { port: number }).port}`
  }

  /** Ends every connection with a reset. */
  cut(): void {
    for (const { client, upstream } of this.#pairs) {
      client.resetAndDestroy()
      upstream.destroy()
    }
  }

  /** What Redis answers from now on goes nowhere; requests still reach it. */
  dropReplies(drop: boolean): void {
    this.#dropReplies = drop
  }

  /**
   * The next request that holds this text reaches Redis, and the reply to it is lost with the connection. Resolves when that
   * has happened.
   */
  loseReplyTo(text: string): Promise<void> {
    return new Promise((resolve) => {
      this.#toLose = { text, onLost: resolve }
    })
  }

  /** What Redis answers from now on takes this much longer. */
  delayReplies(ms: number): void {
    this.#replyDelayMs = ms
  }

  /**
   * Forgets the connections that are open, as a load balancer forgets idle ones: what either side sends is swallowed,
   * and neither learns of it. New ones work.
   */
  forget(): void {
    for (const pair of this.#pairs) pair.isForgotten = true
  }

  /** New connections lead elsewhere from now on, as after a DNS change; those that are open stay. */
  leadTo(port: number): void {
    this.#targetPort = port
  }

  async stop(): Promise<void> {
    this.cut()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #join(client: Socket): void {
    const upstream = connect(this.#targetPort, '127.0.0.1')
    const pair: Pair = { client, upstream, isForgotten: false, replies: Promise.resolve() }
    this.#pairs.add(pair)
    client.on('data', (data) => {
      if (pair.isForgotten) return
      const toLose = this.#toLose
      if (toLose && data.includes(toLose.text)) {
        this.#toLose = undefined
        pair.onLostReply = toLose.onLost
      }
      upstream.write(data)
    })
    upstream.on('data', (data) => {
      if (pair.onLostReply) {
        // Redis runs what it has been sent before it sees the end.
        upstream.end()
        client.resetAndDestroy()
        pair.onLostReply()
      }
      if (pair.isForgotten || pair.onLostReply || this.#dropReplies) return
      const dueAt = performance.now() + this.#replyDelayMs
      // In their order, also when the delay has become shorter meanwhile.
      pair.replies = pair.replies.then(async () => {
        const waitMs = dueAt - performance.now()
        if (waitMs > 0) await sleep(waitMs)
        client.write(data)
      })
    })
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => {})
      one.on('close', () => {
        if (pair.isForgotten) return
        other.destroy()
        this.#pairs.delete(pair)
      })
    }
  }
}
