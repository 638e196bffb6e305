/** Sends one command to Redis and resolves to its reply, whatever the version of the protocol. */
export type Send = <T>(...command: string[]) => Promise<T>

/** How far a group is, as Redis tells it. */
export interface RawGroupState {
  /** Delivered and not acknowledged, with those that wait for a retry. */
  pending: number
  /** Pending, or not delivered yet. */
  openWork: number
  delivered: number
  lastDeliveredId: string
}

export interface ConsumerView {
  /** Entries that it holds. */
  pending: number
  /** Time since it last read or claimed an entry; infinite if it never has. */
  inactiveMs: number
}

/** One group of a stream, read by commands of this class, so that the library is not its own witness. */
export class GroupView {
  readonly group: string
  readonly #send: Send
  readonly #stream: string

  constructor(send: Send, stream: string, group: string) {
    this.#send = send
    this.#stream = stream
    this.group = group
  }

  /** @throws when there is no such group. */
  async state(): Promise<RawGroupState> {
    const groups = (await this.#send<unknown[]>('XINFO', 'GROUPS', this.#stream)).map(asRecord)
    const info = groups.find(({ name }) => name === this.group)
    if (!info) throw new Error(`no group ${this.group}`)
    const lastDeliveredId = String(info['last-delivered-id'])
    const pending = Number(info.pending)
    // Redis does not always know the lag; then it is counted.
    const lag = info.lag ?? (await this.#send<unknown[]>('XRANGE', this.#stream, `(${lastDeliveredId}`, '+')).length
    const openWork = pending + Number(lag)
    return { pending, openWork, delivered: Number(info['entries-read'] ?? 0), lastDeliveredId }
  }

  /** The id of the newest entry of the stream. */
  async newestId(): Promise<string> {
    const [newest] = await this.#send<[id: string][]>('XREVRANGE', this.#stream, '+', '-', 'COUNT', '1')
    return newest?.[0] ?? '0-0'
  }

  /** Every entry that is delivered and not acknowledged, with its owner. */
  async pending(): Promise<Map<string, string>> {
    type Pending = [id: string, owner: string]
    const entries = await this.#send<Pending[]>('XPENDING', this.#stream, this.group, '-', '+', '100000')
    return new Map(entries.map(([id, owner]) => [id, owner]))
  }

  /** Ids of the entries that a consumer holds, also under the names that it takes for crash suspects. */
  async heldBy(consumer: string): Promise<string[]> {
    const isOf = (owner: string) => owner === consumer || owner.startsWith(`${consumer}~`)
    return [...(await this.pending())].flatMap(([id, owner]) => (isOf(owner) ? [id] : []))
  }

  /** Every consumer that Redis knows, by name. */
  async consumers(): Promise<Map<string, ConsumerView>> {
    const infos = (await this.#send<unknown[]>('XINFO', 'CONSUMERS', this.#stream, this.group)).map(asRecord)
    return new Map(
      infos.map(({ name, pending, inactive }) => {
        const inactiveMs = Number(inactive) < 0 ? Number.POSITIVE_INFINITY : Number(inactive)
        return [String(name), { pending: Number(pending), inactiveMs }]
      }),
    )
  }

  /** Dead letters, each with its event id, or its entry id where the entry has no event id. */
  async deadLetters(): Promise<{ id: string; reason: string }[]> {
    const key = `{${this.#stream}}:${this.group}:dead`
    const letters = await this.#send<[letterId: string, fields: string[]][]>('XRANGE', key, '-', '+')
    return letters.map(([, [, letter = '{}', , , ...entry]]) => {
      const { entryId, reason } = JSON.parse(letter)
      const at = entry.findIndex((field, i) => i % 2 === 0 && field === 'id')
      return { id: at < 0 ? entryId : entry[at + 1], reason }
    })
  }
}

/** A reply of names and values: a map in RESP 3 and JSON, a flat list in RESP 2. */
export function asRecord(reply: unknown): Record<string, unknown> {
  if (!Array.isArray(reply)) return reply as Record<string, unknown>
  return Object.fromEntries(reply.flatMap((name, i) => (i % 2 === 0 ? [[name, reply[i + 1]]] : [])))
}
