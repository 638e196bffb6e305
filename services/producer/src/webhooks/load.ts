import type { Readable } from 'node:stream'

/** What all bodies together may take that have arrived, and whose requests are not answered yet. */
const MAX_BYTES = 134_217_728

/** One request, from its head until it is over. */
export interface CountedRequest {
  /**
   * Counts the body as it comes. A body that is too much, together with all others, ends with an error of status 503, with
   * which Fastify, which gathers the body, answers; what still comes of it is thrown away.
   */
  count(body: Readable): void
  /** To be called once. A sender may go on with a body that has its answer: what still comes is thrown away, uncounted. */
  over(): void
}

/**
 * The requests that are not answered yet, and the memory that their bodies take. What has arrived counts, not what is
 * announced: announcing costs a sender nothing, and anybody may do it.
 */
export class Load {
  #requests = 0
  #bytes = 0
  #onIdle: (() => void)[] = []

  begin(): CountedRequest {
    let taken = 0
    let throwAway = () => {}
    this.#requests += 1
    return {
      count: (body) => {
        const count = ({ length }: Buffer) => {
          taken += length
          this.#bytes += length
          if (this.#bytes <= MAX_BYTES) return
          throwAway()
          // Of a body that was refused already, nobody gathers the rest; and an error that nobody hears ends the process.
          if (body.listenerCount('error') > 0)
            body.emit('error', Object.assign(new Error('overloaded'), { statusCode: 503 }))
        }
        throwAway = () => void body.off('data', count).resume()
        body.on('data', count)
      },
      over: () => {
        throwAway()
        this.#requests -= 1
        this.#bytes -= taken
        if (this.#requests === 0) for (const tell of this.#onIdle.splice(0)) tell()
      },
    }
  }

  async whenIdle(): Promise<void> {
    if (this.#requests > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve))
  }
}
