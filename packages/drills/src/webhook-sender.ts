import { setTimeout as sleep } from 'node:timers/promises'
import { newStandardSecret, sendStandard } from '@redis-streams-processor/events'
import { Ledger } from '@redis-streams-processor/service-kit'

/** Requests that wait for an answer at the same time. */
const LANES = 50
const REPEAT_MS = 200

export interface WebhookSenderOptions {
  /** Where the producer service listens on this machine. */
  port: number
  ledgerFolder: string
  /** Default: a new one. */
  secret?: string
}

/** What is sent. The same one twice is a duplicate. */
export interface Webhook {
  id: string
  userId: string
}

/** A sender of webhooks, which repeats each with the same id until it is answered 2xx. The ledger is the sender's. */
export class WebhookSender {
  readonly secret: string
  readonly #url: string
  readonly #ledger: Ledger
  #isClosed = false
  /** How often each status was answered; 0: no answer came. */
  readonly answers = new Map<number, number>()
  /** How often each webhook was answered 2xx, by its id. */
  readonly taken = new Map<string, number>()

  constructor({ port, ledgerFolder, secret = newStandardSecret() }: WebhookSenderOptions) {
    this.secret = secret
    this.#url = `http://127.0.0.1:${port}/webhooks/standard`
    this.#ledger = new Ledger(ledgerFolder, 'sender', (error) => {
      throw error
    })
  }

  /** The id of the event that a delivery becomes. */
  static eventId = (id: string) => `standard:${id}`

  /** Resolves once all are taken, or this sender is closed. */
  async sendAll(webhooks: readonly Webhook[], perSecond: number): Promise<void> {
    const startedAt = performance.now()
    let next = 0
    const lane = async () => {
      for (let n = next++; n < webhooks.length && !this.#isClosed; n = next++) {
        await sleep(Math.max(0, startedAt + (n / perSecond) * 1_000 - performance.now()))
        await this.#sendUntilTaken(webhooks[n] as Webhook)
      }
    }
    await Promise.all(Array.from({ length: LANES }, lane))
  }

  /** How often each status was answered, as text. */
  get told(): string {
    return [...this.answers].map(([status, times]) => `${status}: ${times}`).join(', ')
  }

  close(): void {
    this.#isClosed = true
    this.#ledger.close()
  }

  async #sendUntilTaken({ id, userId }: Webhook): Promise<void> {
    const eventId = WebhookSender.eventId(id)
    const type = 'user.deleted'
    const body = JSON.stringify({ type, timestamp: new Date().toISOString(), data: { userId } })
    this.#ledger.write({ what: 'attempted', id: eventId, type, subject: userId })
    while (!this.#isClosed) {
      const { status, entryId = '', duplicate = false } = await sendStandard(this.#url, this.secret, id, body)
      this.answers.set(status, (this.answers.get(status) ?? 0) + 1)
      if (status === 200 || status === 202) {
        this.taken.set(id, (this.taken.get(id) ?? 0) + 1)
        this.#ledger.write({ what: 'published', id: eventId, entryId, duplicate })
        return
      }
      this.#ledger.write({ what: 'refused', id: eventId, error: String(status) })
      await sleep(REPEAT_MS)
    }
  }
}
