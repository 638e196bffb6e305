import type { Connection } from './connection.ts'
import type { Keys } from './keys.ts'

const PAGE = 100

/** Reads the pending list of a group. */
export class PendingBroker {
  readonly #connection: Connection
  readonly #keys: Keys

  constructor(connection: Connection, keys: Keys) {
    this.#connection = connection
    this.#keys = keys
  }

  /** The ids of pending entries, oldest first. @param owner Only those under this name. */
  async *entryIds(group: string, owner: string | undefined): AsyncGenerator<string> {
    for (let start = '-'; ; ) {
      const range = ['XPENDING', this.#keys.stream, group, start, '+', PAGE]
      const page = await this.#connection.send<[entryId: string][]>(owner === undefined ? range : [...range, owner])
      for (const [entryId] of page) yield entryId
      const last = page.at(-1)
      if (!last || page.length < PAGE) return
      start = `(${last[0]}`
    }
  }
}
