import {
  openControls,
  openDeadLetters,
  openFinder,
  openGroups,
  type RedisOptions,
  RedisRefusedError,
} from '@redis-streams-processor/streams-core'

/** So many of a kind stay open for the requests to come. */
const MAX_KEPT = 4

export type Connections = ReturnType<typeof openConnections>

/** What the requests of all browsers use to speak with Redis. */
export function openConnections(stream: { name: string }, redis: RedisOptions) {
  const kinds = {
    finders: new Shared(() => openFinder(stream, { redis })),
    /** By group. */
    letters: new Shared((group) => openDeadLetters(stream, { redis, group })),
    /** By group. */
    controls: new Shared((group) => openControls(stream, { redis, group })),
    groups: new Shared(() => openGroups(stream, { redis })),
  }
  return {
    ...kinds,
    async close() {
      await Promise.all(Object.values(kinds).map((shared) => shared.close()))
    },
  }
}

/** Connections of one kind: each is opened when it is needed first, and closed when others are needed more. */
class Shared<T extends { close(): Promise<void> }> {
  readonly #open: (key: string) => T
  /** The one that was used last is the last one. */
  readonly #kept = new Map<string, { opened: T; users: number }>()

  constructor(open: (key: string) => T) {
    this.#open = open
  }

  async use<R>(key: string, work: (opened: T) => Promise<R>): Promise<R> {
    const kept = this.#kept.get(key) ?? { opened: this.#open(key), users: 0 }
    this.#kept.delete(key)
    this.#kept.set(key, kept)
    kept.users += 1
    try {
      return await work(kept.opened)
    } catch (error) {
      // What Redis has refused for good does not try again: the next request opens another one.
      if (error instanceof RedisRefusedError && this.#kept.get(key) === kept) this.#kept.delete(key)
      throw error
    } finally {
      kept.users -= 1
      if (kept.users === 0 && this.#kept.get(key) !== kept) await kept.opened.close()
      await this.#closeSome()
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#kept.values()].map(({ opened }) => opened.close()))
  }

  async #closeSome(): Promise<void> {
    const unused = [...this.#kept].filter(([, { users }]) => users === 0)
    for (const [key, { opened }] of unused.slice(0, Math.max(0, this.#kept.size - MAX_KEPT))) {
      this.#kept.delete(key)
      await opened.close()
    }
  }
}
