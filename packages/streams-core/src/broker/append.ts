import { now } from '../base/clock.ts'
import { RedisUnavailableError } from '../base/errors.ts'
import type { EncodedEvent } from '../define/encode.ts'
import type { ParsedProducerSettings } from '../define/producer-settings.ts'
import type { Argument } from '../define/redis-options.ts'
import { keptBy, type ParsedRetention } from '../define/retention.ts'
import type { Connection } from './connection.ts'
import type { Keys } from './keys.ts'
import { PUBLISH } from './scripts/publish.ts'

export type AppendReply =
  | { status: 'appended' | 'duplicate'; entryId: string }
  | { status: 'full'; length: number }
  | { status: 'error'; message: string }

/** As the script gives it. A string: the entry id of an event that was appended. */
type ScriptReply = string | [status: Exclude<AppendReply['status'], 'appended'>, value: string]

/** The Redis commands of a producer. */
export class AppendBroker {
  readonly #connection: Connection
  readonly #keys: Keys
  readonly #retention: ParsedRetention
  readonly #settings: ParsedProducerSettings

  constructor(connection: Connection, keys: Keys, retention: ParsedRetention, settings: ParsedProducerSettings) {
    this.#connection = connection
    this.#keys = keys
    this.#retention = retention
    this.#settings = settings
  }

  /** @throws {RedisRefusedError} when the key is no stream, or this server cannot do `durability: 'fsync'`. */
  async check(): Promise<void> {
    await this.#connection.send(['XLEN', this.#keys.stream])
    if (this.#settings.durability === 'fsync') await this.#waitForDisk()
  }

  /** Appends events in the given order; one reply for each. */
  async append(events: readonly EncodedEvent[]): Promise<AppendReply[]> {
    const { dedupeMs, durability } = this.#settings
    const { stream, dropped, marks, groupFormat, dedupe } = this.#keys
    const [bucket0, bucket1] = [this.#keys.dedupeBucket(0), this.#keys.dedupeBucket(1)]
    const { policy, maxLength } = this.#retention
    const { keepAtLeast, keepForMs, groups } = keptBy(this.#retention)
    const args: Argument[] = [...groups]
    for (const { layout, values } of events) args.push(layout, ...values)
    const replies = (await this.#connection.run(
      PUBLISH,
      { stream, dropped, marks, dedupe, bucket0, bucket1 },
      { policy, maxLength, keepAtLeast, keepForMs, dedupeMs, groupFormat, requiredGroups: groups.length },
      { args },
    )) as ScriptReply[]
    if (durability === 'fsync') await this.#waitForDisk()
    return replies.map(toReply)
  }

  /** WAITAOF covers what this connection has written before. Asked again and again, so that a dead socket shows soon. */
  async #waitForDisk(): Promise<void> {
    const { publishTimeoutMs } = this.#settings
    const deadline = now() + publishTimeoutMs
    do {
      const waitMs = Math.ceil(this.#connection.replyTimeoutMs / 2)
      const [synced] = await this.#connection.send<[number, number]>(['WAITAOF', 1, 0, waitMs])
      if (synced === 1) return
    } while (now() < deadline)
    // The batch may reach the disk later. If event ids are remembered, it is sent again, and still appended only once.
    throw new RedisUnavailableError(`not on disk within ${publishTimeoutMs} ms`, { mayHaveRun: true })
  }
}

function toReply(reply: ScriptReply): AppendReply {
  if (typeof reply === 'string') return { status: 'appended', entryId: reply }
  const [status, value] = reply
  switch (status) {
    case 'duplicate':
      return { status, entryId: value }
    case 'full':
      return { status, length: Number(value) }
    case 'error':
      return { status, message: value }
    default:
      return status satisfies never
  }
}
