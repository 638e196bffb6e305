import { now } from '../base/clock.ts'
import type { Connection } from './connection.ts'
import { countEntries } from './count.ts'

/** Where Redis does not know the lag, so many entries are counted. */
const MAX_COUNTED = 10_000
/** After a count, none follows for so many times as long as it took. */
const REST = 20

export interface Lag {
  lag: number
  /** False: Redis does not know the lag, and there are at least so many. */
  isLagExact: boolean
}

/** A group whose lag Redis does not know: after an XDEL, an XSETID, or where it was created in the midst of the stream. */
interface Unknown {
  group: string
  lastDeliveredId: string
}

/** Counts the entries that were not delivered to a group yet. */
export async function countLag(connection: Connection, stream: string, after: string): Promise<Lag> {
  const { count } = await countEntries(connection, stream, { after, atMost: MAX_COUNTED })
  return { lag: count, isLagExact: count < MAX_COUNTED }
}

/**
 * The lags that Redis does not know, for somebody who looks again and again: counting takes a small part of the time, one
 * group at each look. Until it is its turn again, a group has the lag that was counted last.
 */
export class CountedLags {
  readonly #connection: Connection
  readonly #stream: string
  /** In the order in which they were counted. */
  readonly #lags = new Map<string, Lag>()
  #restsUntil = 0

  constructor(connection: Connection, stream: string) {
    this.#connection = connection
    this.#stream = stream
  }

  /** @param unknown All groups whose lag Redis does not know now. The others are forgotten. */
  async count(unknown: readonly Unknown[]): Promise<void> {
    const ids = new Map(unknown.map(({ group, lastDeliveredId }) => [group, lastDeliveredId]))
    for (const group of this.#lags.keys()) if (!ids.has(group)) this.#lags.delete(group)
    const group = [...ids.keys()].find((one) => !this.#lags.has(one)) ?? this.#lags.keys().next().value
    const since = now()
    if (group === undefined || since < this.#restsUntil) return
    const lag = await countLag(this.#connection, this.#stream, ids.get(group) as string)
    this.#lags.delete(group)
    this.#lags.set(group, lag)
    this.#restsUntil = now() + REST * (now() - since)
  }

  of(group: string): Lag {
    return this.#lags.get(group) ?? { lag: 0, isLagExact: false }
  }
}
