import type { Fields } from '../define/entry.ts'
import type { Connection } from './connection.ts'
import type { Keys } from './keys.ts'
import { REDRIVE } from './scripts/dead-letters.ts'

const PAGE = 100

type RawLetter = [letterId: string, fields: Fields]

/** The Redis commands on the dead letters of one group. */
export class DeadLetterBroker {
  readonly #connection: Connection
  readonly #keys: Keys
  readonly #deadKey: string

  constructor(connection: Connection, keys: Keys, group: string) {
    this.#connection = connection
    this.#keys = keys
    this.#deadKey = keys.dead(group)
  }

  count(): Promise<number> {
    return this.#connection.send<number>(['XLEN', this.#deadKey])
  }

  /**
   * Oldest first, page by page, up to the letter that is newest now. A letter that is removed meanwhile may or may not
   * be seen.
   */
  async *list({ from = '-', to = '+' }: { from?: string; to?: string } = {}): AsyncGenerator<RawLetter> {
    // Otherwise events that are dead-lettered again as fast as they are redriven would make a list without an end.
    const newest = await this.#connection.send<[string][]>(['XREVRANGE', this.#deadKey, to, from, 'COUNT', 1])
    const end = newest[0]?.[0]
    for (let start = from; end !== undefined; ) {
      const page = await this.#range(start, end)
      yield* page
      const last = page.at(-1)
      if (!last || page.length < PAGE) return
      start = `(${last[0]}`
    }
  }

  /** Newest first, page by page. */
  async *listBack(before?: string): AsyncGenerator<RawLetter> {
    for (let end = before === undefined ? '+' : `(${before}`; ; ) {
      const page = await this.#connection.send<RawLetter[]>(['XREVRANGE', this.#deadKey, end, '-', 'COUNT', PAGE])
      yield* page
      const last = page.at(-1)
      if (!last || page.length < PAGE) return
      end = `(${last[0]}`
    }
  }

  /** The newest letter there is. Where there is none, an id before all others. */
  async newestId(): Promise<string> {
    const [newest] = await this.#connection.send<[string][]>(['XREVRANGE', this.#deadKey, '+', '-', 'COUNT', 1])
    return newest?.[0] ?? '0-0'
  }

  async get(letterId: string): Promise<Fields | undefined> {
    return (await this.#range(letterId, letterId))[0]?.[1]
  }

  /** Moves a letter back to the stream, with some fields in place of its own; `undefined`: the letter is gone. */
  async redrive(letterId: string, fields: readonly string[]): Promise<string | undefined> {
    const keys = { stream: this.#keys.stream, dead: this.#deadKey }
    const entryId = await this.#connection.run(REDRIVE, keys, { letterId }, { args: fields })
    return (entryId as string | null) ?? undefined
  }

  async delete(letterId: string): Promise<boolean> {
    return (await this.#connection.send<number>(['XDEL', this.#deadKey, letterId])) === 1
  }

  #range(start: string, end: string): Promise<[string, string[]][]> {
    return this.#connection.send<[string, string[]][]>(['XRANGE', this.#deadKey, start, end, 'COUNT', PAGE])
  }
}
