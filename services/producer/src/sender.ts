import { setTimeout as sleep } from 'node:timers/promises'
import { sendStandard } from '@redis-streams-processor/events'
import type { Logger } from '@redis-streams-processor/streams-core'
import type { Webhook } from './simulator.ts'

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
    const { url, secret, logger } = this.#options
    const body = JSON.stringify({ type, timestamp: new Date().toISOString(), data })
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, MAX_WAIT_MS)) {
      const { status } = await sendStandard(url, secret, id, body)
      if (status >= 200 && status < 300) return
      if (status >= 300 && status < 500 && status !== 429) {
        logger.error({ id, type, status }, 'webhook refused, and not sent again')
        return
      }
      await sleep(waitMs, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
    }
  }
}
