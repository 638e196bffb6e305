import { setTimeout as sleep } from 'node:timers/promises'
import { userEvents } from '@redis-streams-processor/events'
import { Ledger } from '@redis-streams-processor/service-kit'
import { createProducer, type Producer, type Retention } from '@redis-streams-processor/streams-core'

type UserProducer = Producer<ReturnType<typeof userEvents>['catalog']>

export interface PublishPlan {
  ids: readonly string[]
  /** The user of an event; decides what its handler does. */
  userOf?: (n: number) => string
  /** Default: as fast as it goes. */
  perSecond?: number
}

/** Publishes on and on until Redis has everything, and writes down what was tried and what was answered. */
export class Publisher {
  readonly #producer: UserProducer
  readonly #ledger: Ledger
  readonly #closing = new AbortController()
  refused = 0

  constructor(redisUrl: string, ledgerFolder: string, retention?: Retention) {
    this.#producer = createProducer(userEvents('user_events', retention), {
      redis: redisUrl,
      source: '/drill',
      maxBuffered: 100_000,
      dedupeMs: 3_600_000,
    })
    this.#ledger = new Ledger(ledgerFolder, 'publisher', (error) => {
      throw error
    })
  }

  async publishAll({ ids, userOf = (n) => `user_${2_000 + (n % 50)}`, perSecond }: PublishPlan): Promise<void> {
    const startedAt = performance.now()
    const publishing: Promise<void>[] = []
    for (const [n, id] of ids.entries()) {
      if (perSecond && n % 10 === 0) await sleep(Math.max(0, startedAt + (n / perSecond) * 1_000 - performance.now()))
      if (!perSecond && n % 2_000 === 0) await Promise.all(publishing)
      publishing.push(this.#publish(id, userOf(n)))
    }
    await Promise.all(publishing)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#producer.close()
    this.#ledger.close()
  }

  /** Publishes again under the same id after every error: deduplication makes that safe. */
  async #publish(id: string, userId: string): Promise<void> {
    this.#ledger.write({ what: 'attempted', id, type: 'user.deleted', subject: userId })
    while (!this.#closing.signal.aborted) {
      try {
        const { entryId, duplicate } = await this.#producer.publish('user.deleted', { userId }, { id })
        this.#ledger.write({ what: 'published', id, entryId, duplicate })
        return
      } catch (error) {
        this.refused += 1
        this.#ledger.write({ what: 'refused', id, error: (error as Error).message })
        await sleep(200)
      }
    }
  }
}
