import type { Fields } from '../define/entry.ts'
import type { Connection } from './connection.ts'
import type { Keys } from './keys.ts'

/** Entries of one reply. */
const PAGE = 500
/** How long a read waits for an entry. */
const BLOCK_MS = 1_000

/** Follows a stream without a group: nothing that a group has is read or changed. */
export class TailBroker {
  readonly #connection: Connection
  readonly #keys: Keys

  constructor(connection: Connection, keys: Keys) {
    this.#connection = connection
    this.#keys = keys
  }

  /** The newest entries, oldest first. */
  async newest(count: number): Promise<[entryId: string, fields: Fields][]> {
    const command = ['XREVRANGE', this.#keys.stream, '+', '-', 'COUNT', count]
    return (await this.#connection.send<[string, string[]][]>(command)).reverse()
  }

  /** Waits a while for entries after an id. */
  async after(entryId: string): Promise<[entryId: string, fields: Fields][]> {
    const command = ['XREAD', 'COUNT', PAGE, 'BLOCK', BLOCK_MS, 'STREAMS', this.#keys.stream, entryId]
    const timeoutMs = BLOCK_MS + this.#connection.replyTimeoutMs
    const reply = await this.#connection.send<[string, [string, string[]][]][] | null>(command, timeoutMs)
    return reply?.[0]?.[1] ?? []
  }
}
