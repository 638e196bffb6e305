import type { Outcome } from '../define/outcome.ts'
import type { Argument } from '../define/redis-options.ts'
import { encodeFailure, encodeHead } from './letter-codec.ts'
import type { Member } from './member.ts'
import { RETRY_CONSUMER, SUSPECTS, setAsideName } from './pseudo-consumers.ts'
import { TAKE_RECORD } from './scripts/idempotency.ts'
import { ACK, COMMIT, DEAD_LETTER, PARK } from './scripts/settle.ts'
import { type RecordedToken, recordKeysOf, type Token } from './token.ts'

export type CommitReply =
  | { status: 'committed'; replies: unknown[] }
  /** Nothing is written; the lease of these entries is lost. */
  | { status: 'lost'; entryIds: string[] }
  | { status: 'failed'; applied: number; message: string }

export type RecordReply = 'ours' | 'done' | 'elsewhere' | 'lost'

export type Parked = Extract<Outcome, { type: 'retry' | 'release' }>
export type Dead = Extract<Outcome, { type: 'dead-letter' }>

/** What a consumer writes for a delivery. All but `ack` check the fencing token first. */
export class SettleBroker {
  readonly #member: Member
  readonly #recordTtlMs: number

  /** @param recordTtlMs How long a finished event id is remembered. */
  constructor(member: Member, recordTtlMs: number) {
    this.#member = member
    this.#recordTtlMs = recordTtlMs
  }

  /** XACK, unchecked: for deliveries whose lease is sure, that have neither a history nor an idempotency record. */
  async ack(deliveries: readonly Token[]): Promise<void> {
    const { connection, stream, group } = this.#member
    await connection.send(['XACK', stream, group, ...deliveries.map(({ entryId }) => entryId)])
  }

  /**
   * For each delivery that is still this consumer's: acknowledges it, deletes its history, sets its record to done.
   * @param chunk As `chunksByRecord` makes it.
   * @returns the entry ids of those whose lease is lost.
   */
  async ackChecked(chunk: readonly RecordedToken[]): Promise<string[]> {
    const { connection, stream, group, history } = this.#member
    const more = { keys: recordKeysOf(chunk), args: tokenWords(chunk) }
    const lostIds = await connection.run(ACK, { stream, history }, { group, recordTtlMs: this.#recordTtlMs }, more)
    return lostIds as string[]
  }

  /** Parks a delivery until it is due again. False: the lease was lost. */
  async park(delivery: RecordedToken, outcome: Parked): Promise<boolean> {
    const { connection, stream, history, due, clock, tally } = this.#member
    const reply = await connection.run(
      PARK,
      { stream, history, due, clock, tally },
      {
        ...this.#token(delivery),
        ...this.#parkingOf(delivery, outcome),
      },
      { keys: recordKeysOf([delivery]) },
    )
    return reply === 1
  }

  /**
   * Moves a delivery to the dead letters. False: the lease was lost.
   * @param redrives How often the event has been redriven.
   */
  async deadLetter(delivery: RecordedToken, redrives: number, { reason, error }: Dead): Promise<boolean> {
    const { connection, keys, stream, group, consumer, history, tally } = this.#member
    const { entryId, attempt: deliveries } = delivery
    const diedAt = new Date().toISOString()
    const letterId = await connection.run(
      DEAD_LETTER,
      { stream, history, dead: keys.dead(group), tally },
      {
        ...this.#token(delivery),
        letter: encodeHead({ entryId, group, consumer, reason, error, deliveries, redrives, diedAt }),
        failure: this.#failure(delivery, error),
      },
      { keys: recordKeysOf([delivery]) },
    )
    return letterId !== null
  }

  /** Runs commands and the acknowledgement of the deliveries as one step: for all of them, or for none. */
  async commit(deliveries: readonly RecordedToken[], commands: readonly (readonly Argument[])[]): Promise<CommitReply> {
    const { connection, stream, group, history } = this.#member
    const words = commands.flatMap((command) => [command.length, ...command])
    const reply = await connection.run(
      COMMIT,
      { stream, history },
      { group, deliveries: deliveries.length, recordTtlMs: this.#recordTtlMs },
      { keys: recordKeysOf(deliveries), args: [...tokenWords(deliveries), ...words] },
    )
    const [status, ...rest] = reply as [CommitReply['status'], ...unknown[]]
    switch (status) {
      case 'committed':
        return { status, replies: rest }
      case 'failed':
        return { status, applied: Number(rest[0]), message: String(rest[1]) }
      case 'lost':
        return { status, entryIds: rest as string[] }
      default:
        return status satisfies never
    }
  }

  /** Takes the idempotency record of an event id for this delivery. */
  async takeRecord(delivery: Token, eventId: string): Promise<{ reply: RecordReply; recordKey: string }> {
    const { connection, keys, stream, group, leaseMs } = this.#member
    const record = keys.idempotencyRecord(group, eventId)
    const reply = await connection.run(TAKE_RECORD, { stream, record }, { ...this.#token(delivery), leaseMs })
    return { reply: reply as RecordReply, recordKey: record }
  }

  #token({ entryId, owner, attempt }: Token) {
    return { group: this.#member.group, entryId, owner, attempt }
  }

  /** How a delivery is parked: under which name, for how long, with which delivery count and line of history. */
  #parkingOf(delivery: Token, outcome: Parked) {
    const { alone, suspect, crashed } = this.#member
    const { owner, attempt } = delivery
    const { delayMs } = outcome
    switch (outcome.type) {
      case 'retry':
        return {
          putUnder: RETRY_CONSUMER,
          delayMs,
          countLeft: attempt,
          failure: this.#failure(delivery, outcome.error),
        }
      case 'release': {
        const { setAside } = outcome
        // A suspect that is released stays a suspect.
        const isSuspect = [alone, suspect, crashed].includes(owner)
        const putUnder = isSuspect ? SUSPECTS : setAside === undefined ? RETRY_CONSUMER : setAsideName(setAside)
        return { putUnder, delayMs, countLeft: outcome.charged ? attempt : attempt - 1, failure: '' }
      }
      default:
        return outcome satisfies never
    }
  }

  #failure({ attempt }: Token, error: string): string {
    return encodeFailure({ attempt, at: new Date().toISOString(), consumer: this.#member.consumer, error })
  }
}

/** The fencing tokens as arguments of a script. */
const tokenWords = (deliveries: readonly Token[]) => deliveries.flatMap((d) => [d.entryId, d.owner, d.attempt])
