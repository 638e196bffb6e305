import { now } from '../clock.ts'
import type { Outcome } from '../decide.ts'
import { type Delivery, guardValue, Lease } from '../delivery.ts'
import type { Retention } from '../options.ts'
import { RETRY_HORIZON_MS } from '../retry.ts'
import type { Argument, Connection } from './connection.ts'
import { ALONE_SUFFIX, aloneName, type Keys, RETRY_CONSUMER, SUSPECT_SUFFIX, suspectName } from './keys.ts'
import { CLAIM, ISOLATE, RETAKE } from './scripts/claim.ts'
import { CREATE_GROUP, DISOWN, HAND_BACK_REST } from './scripts/group.ts'
import { OLDEST_UNHANDLED } from './scripts/inspect.ts'
import { FORGET_CONSUMER, JANITOR } from './scripts/janitor.ts'
import { ACK, COMMIT, DEAD_LETTER, EXTEND, GUARD, PARK } from './scripts/settle.ts'

/** More ids than this go in several script calls, so that no call holds Redis up for long. */
const CHUNK = 500
/** A read may be this much later than its BLOCK before the socket counts as dead. */
export const READ_MARGIN_MS = 3_000

export interface Claimed {
  deliveries: Delivery[]
  /** Crash suspects that wait for a consumer to run them alone. */
  suspects: number
}

/** A pending entry under a name of ours. */
export interface Unseen {
  entryId: string
  owner: string
  attempt: number
}

export interface ClaimOptions {
  /** How many at most. */
  limit: number
  maxDeliveries: number
  /** Idle time after which an entry counts as its owner's no more. */
  expiredMs: number
  /** Everything is left to others for so much longer; more than 0 for those who could not start it at once. */
  lateMs: number
  /** The group is scanned once in this time at most. */
  lockMs: number
}

export interface Tidied {
  trimmed: number
  consumersDeleted: number
  newestId: string
  groups: { group: string; neededId: string; pending: number; lastDeliveredId: string }[]
}

export type CommitReply =
  | { status: 'committed'; replies: unknown[] }
  | { status: 'lost' }
  | { status: 'failed'; applied: number; message: string }

type RawEntry = [id: string, fields: string[] | null]

/** The Redis commands of a consumer, and no others' business: every method is one command or one script. */
export class GroupBroker {
  readonly #connection: Connection
  readonly #keys: Keys
  readonly #group: string
  readonly #consumer: string
  /** Its name while it runs one alone, and while a suspect waits for that. */
  readonly #alone: string
  readonly #suspect: string
  readonly #leaseMs: number

  constructor(connection: Connection, keys: Keys, options: { group: string; consumer: string; leaseMs: number }) {
    this.#connection = connection
    this.#keys = keys
    this.#group = options.group
    this.#consumer = options.consumer
    this.#alone = aloneName(options.consumer)
    this.#suspect = suspectName(options.consumer)
    this.#leaseMs = options.leaseMs
  }

  /**
   * Creates the group, and the stream with it, from its last low-water mark, or else the beginning of the stream. An
   * existing group is left as it is.
   */
  async createGroup(): Promise<{ created: boolean; startId: string; newestId: string }> {
    const keys = [this.#keys.stream, this.#keys.marks, this.#keys.history(this.#group)]
    const reply = await this.#connection.run<[number, string, string]>(CREATE_GROUP, keys, [this.#group])
    const [created, startId, newestId] = reply
    return { created: created === 1, startId, newestId }
  }

  /** Leaves what an earlier process of this name held to be claimed, as of any dead consumer. */
  async disown(): Promise<number> {
    const left = `${this.#consumer}~left`
    const names = [this.#consumer, left, this.#alone, aloneName(left)]
    return this.#connection.run<number>(DISOWN, [this.#keys.stream], [this.#group, ...names])
  }

  /** Waits up to `blockMs` for entries that nobody was given yet. */
  async read(count: number, blockMs: number): Promise<Delivery[]> {
    const since = now()
    const reply = await this.#connection.send<[string, RawEntry[]][] | null>(
      [
        'XREADGROUP',
        'GROUP',
        this.#group,
        this.#consumer,
        'COUNT',
        count,
        'BLOCK',
        blockMs,
        'STREAMS',
        this.#keys.stream,
        '>',
      ],
      blockMs + READ_MARGIN_MS,
    )
    const entries = reply?.[0]?.[1] ?? []
    return entries.map(([id, fields]) => this.#delivery(id, fields, this.#consumer, 1, 'run', since))
  }

  /** Ends the blocking read of another connection as if its time were up; nothing can be lost by it. */
  async unblock(clientId: number): Promise<void> {
    await this.#connection.send(['CLIENT', 'UNBLOCK', clientId])
  }

  /** Claims expired entries and due retries. `undefined`: another consumer is looking already. */
  async claim(options: ClaimOptions): Promise<Claimed | undefined> {
    return this.#claim('shared', options)
  }

  /**
   * Claims one crash suspect, to be isolated once nothing else is in flight. `undefined`: there is none, or another has
   * one already, and we hold something else.
   */
  async claimSuspect(options: { maxDeliveries: number; holdsNothing: boolean }): Promise<Delivery | undefined> {
    const { maxDeliveries, holdsNothing } = options
    const one = { maxDeliveries, limit: 1, expiredMs: this.#leaseMs, lateMs: 0, lockMs: 0 }
    return (await this.#claim('suspect', one, holdsNothing))?.deliveries[0]
  }

  /** Hands a suspect to our name alone. `undefined`: the lease was lost. */
  async isolate(suspect: Delivery): Promise<Delivery | undefined> {
    const since = now()
    const isOurs = await this.#connection.run<number>(
      ISOLATE,
      [this.#keys.stream],
      [...this.#token(suspect), this.#alone],
    )
    if (isOurs === 0) return undefined
    return { ...suspect, owner: this.#alone, lease: new Lease(suspect.entryId, this.#leaseMs, since) }
  }

  /** What Redis says is ours and has been idle for so long; what we run alone is the claimer's own business. */
  async idleOfOurs(idleMs: number): Promise<Unseen[]> {
    const idle = ['IDLE', Math.ceil(idleMs), '-', '+', CHUNK]
    const page = await this.#connection.send<[id: string, owner: string, idleMs: number, attempt: number][]>([
      'XPENDING',
      this.#keys.stream,
      this.#group,
      ...idle,
      this.#consumer,
    ])
    return page.map(([entryId, owner, , attempt]) => ({ entryId, owner, attempt }))
  }

  /** Takes deliveries that were made to us and never arrived, as far as they are still ours. */
  async retake(unseen: readonly Unseen[]): Promise<Delivery[]> {
    const since = now()
    const reply = await this.#connection.run<[string, string, number, string[] | null][]>(
      RETAKE,
      [this.#keys.stream],
      [this.#group, ...unseen.flatMap(({ entryId, owner, attempt }) => [entryId, owner, attempt])],
    )
    return reply.map(([id, owner, attempt, fields]) => this.#delivery(id, fields, owner, attempt, 'run', since))
  }

  /** Extends the leases of deliveries that are still ours, and tells those that are not that they are lost. */
  async extend(deliveries: readonly Delivery[]): Promise<Delivery[]> {
    const lost: Delivery[] = []
    for (const chunk of chunksByGuard(deliveries)) {
      const since = now()
      const ids = await this.#connection.run<string[]>(
        EXTEND,
        [this.#keys.stream, ...guardsOf(chunk)],
        [this.#group, this.#leaseMs, ...chunk.flatMap((d) => [d.entryId, d.owner, d.attempt, guardValue(d)])],
      )
      const lostIds = new Set(ids)
      for (const delivery of chunk) {
        if (lostIds.has(delivery.entryId)) lost.push(delivery)
        else delivery.lease.extended(since)
      }
    }
    return lost
  }

  /** XACK, unchecked: for deliveries whose lease is sure, that have no history and no guard. */
  async ack(deliveries: readonly Delivery[]): Promise<void> {
    await this.#connection.send(['XACK', this.#keys.stream, this.#group, ...deliveries.map((d) => d.entryId)])
  }

  /** Acknowledges what is still ours, with all that belongs to it; returns what is not. */
  async ackChecked(deliveries: readonly Delivery[], guardTtlMs: number): Promise<Delivery[]> {
    const lost: Delivery[] = []
    for (const chunk of chunksByGuard(deliveries)) {
      const ids = await this.#connection.run<string[]>(
        ACK,
        [this.#keys.stream, this.#keys.history(this.#group), ...guardsOf(chunk)],
        [this.#group, guardTtlMs, ...chunk.flatMap((d) => [d.entryId, d.owner, d.attempt])],
      )
      lost.push(...chunk.filter((d) => ids.includes(d.entryId)))
    }
    return lost
  }

  /** Parks a delivery until it is due again. False: the lease was lost. */
  async park(delivery: Delivery, outcome: Extract<Outcome, { type: 'retry' | 'release' }>): Promise<boolean> {
    const isRetry = outcome.type === 'retry'
    const attempts = isRetry || outcome.charged ? delivery.attempt : delivery.attempt - 1
    const reply = await this.#connection.run<number>(
      PARK,
      [this.#keys.stream, this.#keys.history(this.#group), ...guardsOf([delivery])],
      [
        ...this.#token(delivery),
        ...this.#parkingFor(delivery, outcome),
        attempts,
        isRetry ? this.#historyLine(delivery, outcome.error) : '',
        guardValue(delivery),
      ],
    )
    return reply === 1
  }

  /** Moves a delivery to the dead letters. False: the lease was lost. */
  async deadLetter(delivery: Delivery, letter: object, error: string): Promise<boolean> {
    const letterId = await this.#connection.run<string | null>(
      DEAD_LETTER,
      [this.#keys.stream, this.#keys.history(this.#group), this.#keys.dead(this.#group), ...guardsOf([delivery])],
      [...this.#token(delivery), JSON.stringify(letter), this.#historyLine(delivery, error), guardValue(delivery)],
    )
    return letterId !== null
  }

  /** Runs commands and the acknowledgement as one step. */
  async commit(
    delivery: Delivery,
    commands: readonly (readonly Argument[])[],
    guardTtlMs: number,
  ): Promise<CommitReply> {
    const [status, ...rest] = await this.#connection.run<[string, ...unknown[]]>(
      COMMIT,
      [this.#keys.stream, this.#keys.history(this.#group), ...guardsOf([delivery])],
      [...this.#token(delivery), guardTtlMs, ...commands.flatMap((words) => [words.length, ...words])],
    )
    if (status === 'committed') return { status, replies: rest }
    if (status === 'failed') return { status, applied: Number(rest[0]), message: String(rest[1]) }
    return { status: 'lost' }
  }

  /** Takes the idempotency record of an event id for this delivery. */
  async guard(delivery: Delivery, eventId: string): Promise<'ours' | 'done' | 'elsewhere'> {
    const key = this.#keys.guard(this.#group, eventId)
    const reply = await this.#connection.run<'ours' | 'done' | 'elsewhere'>(
      GUARD,
      [key],
      [guardValue(delivery), this.#leaseMs, delivery.entryId],
    )
    if (reply === 'ours') delivery.guard = key
    return reply
  }

  /** Trims and tidies the stream. `undefined`: another consumer did it just now. */
  async tidy(retention: Retention, lockMs: number, consumerIdleMs: number): Promise<Tidied | undefined> {
    const [keepAtLeast, groups] =
      retention.policy === 'acknowledged' ? [retention.keepAtLeast, retention.groups] : [0, []]
    const reply = await this.#connection.run<[number, number, string, ...[string, string, number, string][]] | null>(
      JANITOR,
      [this.#keys.stream, this.#keys.janitorLock, this.#keys.marks],
      [this.#consumer, lockMs, retention.policy, keepAtLeast, consumerIdleMs, RETRY_CONSUMER, ...groups],
    )
    if (!reply) return undefined
    const [trimmed, consumersDeleted, newestId, ...rest] = reply
    return {
      trimmed,
      consumersDeleted,
      newestId,
      groups: rest.map(([group, neededId, pending, lastDeliveredId]) => ({
        group,
        neededId,
        pending,
        lastDeliveredId,
      })),
    }
  }

  /** Group → entries that the lossy retention has dropped, so far, before the group had acknowledged them. */
  async droppedUnread(): Promise<Map<string, number>> {
    const flat = await this.#connection.send<string[]>(['HGETALL', this.#keys.dropped])
    const dropped = new Map<string, number>()
    for (let i = 0; i + 1 < flat.length; i += 2) dropped.set(flat[i] as string, Number(flat[i + 1]))
    return dropped
  }

  /** The oldest entry that somebody should be working on; `undefined` when there is none. */
  async oldestUnhandled(): Promise<string | undefined> {
    const args = [this.#group, RETRY_CONSUMER]
    return (await this.#connection.run<string | null>(OLDEST_UNHANDLED, [this.#keys.stream], args)) ?? undefined
  }

  /** Hands back what was delivered to us and never arrived. To be called when nothing is held any more. */
  async handBackRest(): Promise<void> {
    const toRetry = [this.#consumer, RETRY_CONSUMER, RETRY_HORIZON_MS]
    const toSuspects = [this.#alone, this.#suspect, this.#leaseMs]
    await this.#connection.run(HAND_BACK_REST, [this.#keys.stream], [this.#group, ...toRetry, ...toSuspects])
  }

  /** Deletes this consumer's names from the group, unless something is pending under them. */
  async forgetConsumer(): Promise<void> {
    const names = [this.#consumer, this.#alone, this.#suspect]
    await this.#connection.run(FORGET_CONSUMER, [this.#keys.stream], [this.#group, ...names])
  }

  async #claim(mode: 'shared' | 'suspect', options: ClaimOptions, holdsNothing = false) {
    const { limit, maxDeliveries, expiredMs, lateMs, lockMs } = options
    const since = now()
    const reply = await this.#connection.run<
      [number, ...['run' | 'crashed', string, number, string[] | null][]] | null
    >(
      CLAIM,
      [this.#keys.stream, this.#keys.scanLock(this.#group, lateMs > 0), this.#keys.history(this.#group)],
      [
        ...[this.#group, this.#consumer, this.#alone, this.#suspect, ALONE_SUFFIX, SUSPECT_SUFFIX, RETRY_CONSUMER],
        ...[expiredMs + lateMs, RETRY_HORIZON_MS + lateMs, maxDeliveries, Math.min(limit, CHUNK), lockMs],
        ...[mode, holdsNothing ? 1 : 0],
      ],
    )
    if (!reply) return undefined
    const [suspects, ...claimed] = reply
    const owner = mode === 'suspect' ? this.#suspect : this.#consumer
    return {
      suspects,
      deliveries: claimed.map(([kind, id, attempt, fields]) => this.#delivery(id, fields, owner, attempt, kind, since)),
    }
  }

  #delivery(
    entryId: string,
    fields: string[] | null,
    owner: string,
    attempt: number,
    kind: Delivery['kind'],
    since: number,
  ): Delivery {
    const lease = new Lease(entryId, this.#leaseMs, since)
    return { entryId, fields: fields ?? undefined, owner, attempt, kind, lease }
  }

  #token(delivery: Delivery): Argument[] {
    return [this.#group, delivery.entryId, delivery.owner, delivery.attempt]
  }

  /** Where a delivery is parked, and with what idle time. A suspect that nobody has run stays a suspect. */
  #parkingFor({ owner }: Delivery, { type, delayMs }: Extract<Outcome, { type: 'retry' | 'release' }>): Argument[] {
    const isSuspect = type === 'release' && (owner === this.#alone || owner === this.#suspect)
    return isSuspect
      ? [this.#suspect, Math.max(0, this.#leaseMs - delayMs)]
      : [RETRY_CONSUMER, RETRY_HORIZON_MS - delayMs]
  }

  #historyLine(delivery: Delivery, error: string): string {
    const { attempt } = delivery
    return JSON.stringify({
      attempt,
      at: new Date().toISOString(),
      consumer: this.#consumer,
      error: error.slice(0, 1_000),
    })
  }
}

const guardsOf = (deliveries: readonly Delivery[]): string[] => deliveries.flatMap((d) => d.guard ?? [])

/** Chunks in which either every delivery has a guard or none has, as the scripts want them. */
function* chunksByGuard(deliveries: readonly Delivery[]): Generator<Delivery[]> {
  const guarded = deliveries.filter((d) => d.guard)
  const unguarded = deliveries.filter((d) => !d.guard)
  for (const part of [guarded, unguarded]) {
    for (let i = 0; i < part.length; i += CHUNK) yield part.slice(i, i + CHUNK)
  }
}
