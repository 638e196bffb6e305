import { setTimeout as sleep } from 'node:timers/promises'
import { signStandard } from '@redis-streams-processor/events'
import type { Logger } from '@redis-streams-processor/streams-core'
import type { Webhook } from './simulator.ts'

const ANSWER_MS = 10_000
const FIRST_WAIT_MS = 100
const MAX_WAIT_MS = 2_000
/** Every so many webhooks, one is sent a second time, as senders do whose answer was lost. */
const DUPLICATE_EVERY = 20

export interface SenderOptions {
  url: string
  secret: string
  logger: Logger
}

/** Sends webhooks as a real sender does, by Standard Webhooks: signs them, and repeats them until they are taken. */
export class Sender {
  readonly #options: SenderOptions
  #sent = 0

  constructor(options: SenderOptions) {
    this.#options = options
  }

  /** Resolves once the webhook is taken, was refused for good, or the signal is aborted. */
  async send(webhook: Webhook, signal: AbortSignal): Promise<void> {
    this.#sent += 1
    await this.#sendUntilTaken(webhook, signal)
    if (this.#sent % DUPLICATE_EVERY === 0) await this.#sendUntilTaken(webhook, signal)
  }

  async #sendUntilTaken({ id, type, data }: Webhook, signal: AbortSignal): Promise<void> {
    const body = JSON.stringify({ type, timestamp: new Date().toISOString(), data })
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, MAX_WAIT_MS)) {
      const status = await this.#sendOnce(id, body)
      if (status !== undefined && status < 300) return
      if (status !== undefined && status < 500 && status !== 429) {
        this.#options.logger.error({ id, type, status }, 'webhook refused, and not sent again')
        return
      }
      await sleep(waitMs, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
    }
  }

  /** The status of the answer; undefined: there was none. */
  async #sendOnce(id: string, body: string): Promise<number | undefined> {
    const headers = signStandard(this.#options.secret, id, body)
    const request = { method: 'POST', headers, body, signal: AbortSignal.timeout(ANSWER_MS) }
    try {
      const response = await fetch(this.#options.url, request)
      // Read to its end, or the connection cannot be used again.
      await response.arrayBuffer()
      return response.status
    } catch {
      return undefined
    }
  }
}
