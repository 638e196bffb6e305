import { now } from '../base/clock.ts'
import { RETRY_HORIZON_MS } from '../define/limits.ts'
import type { Member } from './member.ts'
import { CLAIM, CLAIM_SUSPECT, ISOLATE, REJOIN, RETAKE } from './scripts/claim.ts'
import { CHUNK, type HandedEntry, type Token } from './token.ts'

/** A read may be this much later than its BLOCK before the socket counts as dead. */
export const READ_MARGIN_MS = 3_000

export interface Claimed {
  entries: HandedEntry[]
  /** Crash suspects that wait for a consumer to run them alone. */
  suspects: number
}

export interface ClaimOptions {
  /** How many entries at most. */
  limit: number
  maxDeliveries: number
  /** Idle time after which the lease of an entry counts as over. */
  expiredMs: number
  /** Extra idle time before an entry is claimed; above 0 if this consumer has no free handler slot. */
  lateMs: number
  /** Time to live of the scan lock: the group is scanned about once in this time. */
  lockMs: number
}

type RawEntry = [id: string, fields: string[] | null]
type RawClaim = [id: string, attempt: number, fields: string[] | null]

/** How entries come to a consumer: reads, claims, and deliveries whose reply was lost. */
export class IntakeBroker {
  readonly #member: Member

  constructor(member: Member) {
    this.#member = member
  }

  /** Waits up to `blockMs` for entries that were delivered to no consumer of the group yet. */
  async read(count: number, blockMs: number): Promise<HandedEntry[]> {
    const { connection, stream, group, consumer } = this.#member
    const since = now()
    const reply = await connection.send<[string, RawEntry[]][] | null>(
      ['XREADGROUP', 'GROUP', group, consumer, 'COUNT', count, 'BLOCK', blockMs, 'STREAMS', stream, '>'],
      blockMs + READ_MARGIN_MS,
    )
    const entries = reply?.[0]?.[1] ?? []
    return entries.map(([id, fields]) => handed(id, fields, consumer, 1, 'run', since))
  }

  /** Claims entries whose lease is over, and due retries. `undefined`: another consumer has looked just now. */
  async claim({ limit, maxDeliveries, expiredMs, lateMs, lockMs }: ClaimOptions): Promise<Claimed | undefined> {
    const { connection, keys, stream, group, consumer, alone, suspect, history } = this.#member
    const since = now()
    const reply = await connection.run(
      CLAIM,
      { stream, scanLock: keys.scanLock(group, lateMs > 0), history },
      {
        ...{ group, consumer, alone, suspect, maxDeliveries, lockMs },
        expiredMs: expiredMs + lateMs,
        dueMs: RETRY_HORIZON_MS + lateMs,
        room: Math.min(limit, CHUNK),
      },
    )
    if (!reply) return undefined
    const [suspects, ...claimed] = reply as [number, ...[HandedEntry['kind'], ...RawClaim][]]
    const owners: Record<HandedEntry['kind'], string> = { run: consumer, crashed: alone }
    const entries = claimed.map(([kind, id, attempt, fields]) => handed(id, fields, owners[kind], attempt, kind, since))
    return { entries, suspects }
  }

  /**
   * Claims one crash suspect, to be isolated once nothing else is in flight. `undefined`: there is none, or another
   * consumer is at work on one, and this consumer holds something else.
   */
  async claimSuspect(options: { maxDeliveries: number; holdsNothing: boolean }): Promise<HandedEntry | undefined> {
    const { connection, stream, group, consumer, alone, suspect, history, leaseMs } = this.#member
    const since = now()
    const reply = await connection.run(
      CLAIM_SUSPECT,
      { stream, history },
      {
        ...{ group, consumer, alone, suspect, expiredMs: leaseMs, maxDeliveries: options.maxDeliveries },
        holdsNothing: options.holdsNothing ? 1 : 0,
      },
    )
    if (!reply) return undefined
    const [id, attempt, fields] = reply as RawClaim
    return handed(id, fields, suspect, attempt, 'run', since)
  }

  /** Moves a suspect to this consumer's name for running alone. `undefined`: the lease was lost. */
  async isolate({ entryId, owner, attempt }: Token): Promise<Token | undefined> {
    const { connection, stream, group, alone } = this.#member
    const isOurs = await connection.run(ISOLATE, { stream }, { group, entryId, owner, attempt, alone })
    return isOurs === 1 ? { entryId, owner: alone, attempt } : undefined
  }

  /** Moves an entry that runs alone back to this consumer's own name. */
  async rejoin({ entryId, attempt }: Token): Promise<void> {
    const { connection, stream, group, alone, consumer } = this.#member
    await connection.run(REJOIN, { stream }, { group, entryId, alone, attempt, consumer })
  }

  /** What is pending under this consumer's own name and has been idle for `idleMs`. */
  async idleOfOurs(idleMs: number): Promise<Token[]> {
    const { connection, stream, group, consumer } = this.#member
    const page = await connection.send<[id: string, owner: string, idleMs: number, attempt: number][]>([
      'XPENDING',
      stream,
      group,
      'IDLE',
      Math.ceil(idleMs),
      '-',
      '+',
      CHUNK,
      consumer,
    ])
    return page.map(([entryId, owner, , attempt]) => ({ entryId, owner, attempt }))
  }

  /** Retakes deliveries whose reply was lost, as far as they are still this consumer's. */
  async retake(unknown: readonly Token[]): Promise<HandedEntry[]> {
    const { connection, stream, group } = this.#member
    const since = now()
    const args = unknown.flatMap(({ entryId, owner, attempt }) => [entryId, owner, attempt])
    const reply = await connection.run(RETAKE, { stream }, { group }, { args })
    const retaken = reply as [string, string, number, string[] | null][]
    return retaken.map(([id, owner, attempt, fields]) => handed(id, fields, owner, attempt, 'run', since))
  }
}

function handed(
  entryId: string,
  fields: string[] | null,
  owner: string,
  attempt: number,
  kind: HandedEntry['kind'],
  since: number,
): HandedEntry {
  return { entryId, fields: fields ?? undefined, owner, attempt, kind, since }
}
