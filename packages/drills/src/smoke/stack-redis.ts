/** What Redis says of one group, and of the stream that it reads. */
export interface GroupView {
  /** Delivered and not acknowledged, with those that wait for a retry. */
  pending: number
  /** Pending, or not delivered yet. */
  openWork: number
  delivered: number
  lastDeliveredId: string
  newestId: string
}

type RedisCli = (...command: string[]) => Promise<string>

/**
 * Redis, asked as a person would who has only the container: it cannot be reached from outside its network. Its own
 * commands and the documented key of the dead letters, so that the library is not its own witness.
 */
export class StackRedis {
  readonly #cli: RedisCli
  readonly #stream: string
  readonly #group: string

  constructor(cli: RedisCli, stream: string, group: string) {
    this.#cli = cli
    this.#stream = stream
    this.#group = group
  }

  async view(): Promise<GroupView> {
    const groups = await this.#ask<Record<string, string | number | null>[]>('XINFO', 'GROUPS', this.#stream)
    const group = groups.find(({ name }) => name === this.#group)
    if (!group) throw new Error(`no group ${this.#group}`)
    const lastDeliveredId = String(group['last-delivered-id'])
    const [newest] = await this.#ask<[string][]>('XREVRANGE', this.#stream, '+', '-', 'COUNT', '1')
    const pending = Number(group.pending)
    // Redis does not always know the lag; then it is counted.
    const lag = group.lag ?? (await this.#ask<unknown[]>('XRANGE', this.#stream, `(${lastDeliveredId}`, '+')).length
    return {
      pending,
      openWork: pending + Number(lag),
      delivered: Number(group['entries-read'] ?? 0),
      lastDeliveredId,
      newestId: newest?.[0] ?? '0-0',
    }
  }

  /** Every consumer of the group, with the number of entries that it holds. */
  async consumers(): Promise<Map<string, number>> {
    return new Map((await this.#consumerInfos()).map(({ name, pending }) => [name, pending]))
  }

  /** Every consumer of the group, with the milliseconds since it last read or claimed an entry. */
  async inactivity(): Promise<Map<string, number>> {
    const infos = await this.#consumerInfos()
    return new Map(infos.map(({ name, inactive }) => [name, inactive < 0 ? Number.POSITIVE_INFINITY : inactive]))
  }

  /** Ids of the entries that these consumers hold. */
  async heldBy(consumers: readonly string[]): Promise<string[]> {
    return [...(await this.pending())].flatMap(([id, consumer]) => (consumers.includes(consumer) ? [id] : []))
  }

  /** Every entry that is delivered and not acknowledged, with the consumer that holds it. */
  async pending(): Promise<Map<string, string>> {
    const entries = await this.#ask<[id: string, consumer: string, ...unknown[]][]>(
      ...['XPENDING', this.#stream, this.#group, '-', '+', '100000'],
    )
    return new Map(entries.map(([id, consumer]) => [id, consumer]))
  }

  async deadLetterIds(): Promise<string[]> {
    const letters = await this.#ask<[string, string[]][]>('XRANGE', `{${this.#stream}}:${this.#group}:dead`, '-', '+')
    return letters.map(([letterId, fields]) => {
      const name = fields.findIndex((text, at) => at % 2 === 0 && text === 'id')
      return fields[name + 1] ?? letterId
    })
  }

  #consumerInfos() {
    type Info = { name: string; pending: number; inactive: number }
    return this.#ask<Info[]>('XINFO', 'CONSUMERS', this.#stream, this.#group)
  }

  async #ask<T>(...command: string[]): Promise<T> {
    return JSON.parse(await this.#cli('-e', '--json', ...command)) as T
  }
}
