import type { GroupBroker } from './broker/group.ts'
import { now } from './clock.ts'
import type { Outcome, Run } from './decide.ts'
import type { Delivery } from './delivery.ts'
import { type Decoded, fieldOf, REDRIVES } from './entry.ts'
import { isMissingGroup, isRefusal } from './errors.ts'
import type { Holdings } from './holdings.ts'
import type { Patience } from './patience.ts'
import type { Tell } from './report.ts'

/** A delivery with what was decided about it. */
export interface Settlement {
  delivery: Delivery
  decoded: Decoded | undefined
  run: Run
  outcome: Outcome
  /** On the clock of `now()`. */
  startedAt: number
}

export interface SettlerOptions {
  group: string
  consumer: string
  guardTtlMs: number
}

/**
 * Writes what was decided, and tells it once it is written. Acknowledgements that gather while one is on its way to
 * Redis go together with the next. What Redis cannot take now is tried again until it can, or until the lease is lost.
 */
export class Settler {
  readonly #options: SettlerOptions
  readonly #broker: GroupBroker
  readonly #holdings: Holdings
  readonly #patience: Patience
  readonly #tell: Tell
  readonly #refuse: (error: unknown) => void
  readonly #givenUp = new AbortController()
  #acks: { settlement: Settlement; done: () => void }[] = []
  #flushing = false

  /** @param actors.refuse Told what Redis will never take. */
  constructor(
    options: SettlerOptions,
    actors: {
      broker: GroupBroker
      holdings: Holdings
      patience: Patience
      tell: Tell
      refuse: (error: unknown) => void
    },
  ) {
    this.#options = options
    this.#broker = actors.broker
    this.#holdings = actors.holdings
    this.#patience = actors.patience
    this.#tell = actors.tell
    this.#refuse = actors.refuse
  }

  /** Resolves when it is written, or cannot be. Never rejects. */
  async settle(settlement: Settlement): Promise<void> {
    if (settlement.outcome.type === 'ack') {
      await new Promise<void>((done) => {
        this.#acks.push({ settlement, done })
        this.#flushSoon()
      })
    } else {
      await this.#persist([settlement], async () => ((await this.#write(settlement)) ? [] : [settlement.delivery]))
    }
  }

  /** From now on nothing is tried again: the time to drain is over. */
  giveUp(): void {
    this.#givenUp.abort()
  }

  #flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    // Everything that finishes in this turn of the event loop shares the first command.
    setImmediate(async () => {
      while (this.#acks.length > 0) {
        const batch = this.#acks.splice(0)
        const settlements = batch.map(({ settlement }) => settlement)
        await this.#persist(settlements, () => this.#ack(settlements.map(({ delivery }) => delivery)))
        for (const { done } of batch) done()
      }
      this.#flushing = false
    })
  }

  async #ack(deliveries: Delivery[]): Promise<Delivery[]> {
    // A first delivery has no history, and a sure lease needs no asking: those are one plain XACK.
    const isPlain = (d: Delivery) => d.attempt === 1 && !d.guard && d.lease.isSure
    const plain = deliveries.filter(isPlain)
    const others = deliveries.filter((delivery) => !plain.includes(delivery))
    const [lost] = await Promise.all([
      others.length > 0 ? this.#broker.ackChecked(others, this.#options.guardTtlMs) : [],
      plain.length > 0 ? this.#broker.ack(plain) : undefined,
    ])
    return lost
  }

  /** False: the lease was lost. */
  async #write({ delivery, outcome, run }: Settlement): Promise<boolean> {
    switch (outcome.type) {
      case 'retry':
      case 'release':
        return this.#broker.park(delivery, outcome)
      case 'dead-letter':
        return this.#broker.deadLetter(delivery, letterOf(delivery, outcome, this.#options), outcome.error)
      case 'ack':
      case 'committed':
        return true
      case 'abandon':
        return run.result === 'deleted'
      default:
        return outcome satisfies never
    }
  }

  /** `write` returns the deliveries that turned out to be lost. */
  async #persist(settlements: Settlement[], write: () => Promise<Delivery[]>): Promise<void> {
    try {
      this.#finish(settlements, new Set(await this.#patience.persist(write, this.#givenUp.signal)))
    } catch (error) {
      // Without the group there is no lease; and what Redis will not take, is delivered again when the lease ends.
      if (isRefusal(error)) this.#refuse(error)
      else if (!isMissingGroup(error)) this.#tell({ kind: 'trouble', loop: 'settler', error })
      this.#finish(settlements, new Set(settlements.map(({ delivery }) => delivery)))
    }
  }

  #finish(settlements: Settlement[], lost: Set<Delivery>): void {
    const { group, consumer } = this.#options
    for (const { delivery, decoded, run, outcome, startedAt } of settlements) {
      if (lost.has(delivery)) delivery.lease.lose()
      this.#holdings.remove(delivery)
      this.#tell({
        kind: 'settled',
        outcome: lost.has(delivery) ? { type: 'abandon' } : outcome,
        result: lost.has(delivery) ? 'lease-lost' : run.result,
        group,
        consumer,
        entryId: delivery.entryId,
        attempt: delivery.attempt,
        eventId: decoded?.ok ? decoded.event.id : undefined,
        eventType: decoded?.ok ? decoded.event.type : undefined,
        durationMs: now() - startedAt,
      })
    }
  }
}

/** What the dead letter says of itself; the entry's own fields follow it untouched. */
function letterOf(
  delivery: Delivery,
  outcome: Extract<Outcome, { type: 'dead-letter' }>,
  { group, consumer }: SettlerOptions,
) {
  return {
    entryId: delivery.entryId,
    group,
    consumer,
    reason: outcome.reason,
    error: outcome.error.slice(0, 1_000),
    deliveries: delivery.attempt,
    redrives: Number(fieldOf(delivery.fields ?? [], REDRIVES)) || 0,
    diedAt: new Date().toISOString(),
  }
}
