import { now } from '../base/clock.ts'
import { inForceOf } from '../define/controls.ts'
import type { Claimed, ClaimOptions, RawClaim, RawClaimed } from './claimed.ts'
import type { Member } from './member.ts'
import { CLAIM } from './scripts/claim.ts'
import { RETAKE } from './scripts/leases.ts'
import { ISOLATE, REJOIN, TAKE_SUSPECT } from './scripts/suspects.ts'
import { ServerClock } from './server-clock.ts'
import { CHUNK, type HandedEntry, type Token } from './token.ts'

/** A read may be this much later than its BLOCK before the socket counts as dead. */
export const READ_MARGIN_MS = 3_000

/** A clock that is set back by less than this makes leases last longer by as much, and nothing is done about it. */
const CLOCK_STEP_MS = 1_000

type RawEntry = [id: string, fields: string[] | null]

/** How entries come to a consumer: reads, claims, and deliveries whose reply was lost. */
export class IntakeBroker {
  readonly #member: Member
  /** Redis' clock, as far as the replies to claims have told it. */
  readonly clock: ServerClock
  #lookedBackAt = 0

  constructor(member: Member) {
    this.#member = member
    this.clock = new ServerClock(member.leaseMs / 10)
  }

  /** A claim that comes later than this takes over no lease: living consumers may not have extended theirs yet. */
  get graceMs(): number {
    return Math.ceil(this.#member.leaseMs / 3)
  }

  /**
   * Waits up to `blockMs` for entries that were delivered to no consumer of the group yet.
   * @throws {RangeError} when `count` is below 1, which Redis would take for no limit.
   */
  async read(count: number, blockMs: number): Promise<HandedEntry[]> {
    if (!(count >= 1)) throw new RangeError(`a read of ${count} entries`)
    const { connection, stream, group, consumer } = this.#member
    const since = now()
    const reply = await connection.send<[string, RawEntry[]][] | null>(
      ['XREADGROUP', 'GROUP', group, consumer, 'COUNT', count, 'BLOCK', blockMs, 'STREAMS', stream, '>'],
      blockMs + READ_MARGIN_MS,
    )
    const entries = reply?.[0]?.[1] ?? []
    return entries.map(([id, fields]) => handed(id, fields, consumer, 1, 'run', since))
  }

  /** Claims entries whose lease is over, and due retries. */
  async claim({ limit, maxDeliveries, holdsOff, delayMs, lockMs }: ClaimOptions): Promise<Claimed> {
    const { connection, keys, stream, group, consumer, alone, crashed, leaseMs } = this.#member
    const { history, due, clock, controls } = this.#member
    const since = now()
    const { graceMs } = this
    const scanLock = keys.scanLock(group, delayMs > 0)
    const reply = await connection.run(
      CLAIM,
      {
        stream,
        scanLock,
        history,
        due,
        dueScan: keys.dueScan(group),
        clock,
        controls,
        takeovers: keys.takeovers(group),
      },
      {
        ...{ group, consumer, alone, crashed, leaseMs, delayMs, maxDeliveries, lockMs, graceMs },
        holdsOff: holdsOff ? 1 : 0,
        room: Math.min(limit, CHUNK),
        sentAt: this.clock.estimateMs() ?? '',
        looksBack: this.#looksBack(since) ? 1 : 0,
      },
    )
    const [serverMs, lateMs, setBackMs, waitMs, hasMore, suspects, isHalfOver, inForce, ...claimed] =
      reply as RawClaimed
    this.clock.seen(serverMs, now() - since)
    return {
      ...{ suspects, waitMs, controls: inForce },
      setBackMs: setBackMs >= CLOCK_STEP_MS ? setBackMs : 0,
      entries: claimed.map(([reason, id, attempt, fields]) => {
        const owner = reason === 'crashed' ? crashed : consumer
        const kind = reason === 'crashed' || reason === 'probe' ? reason : 'run'
        const probeOf = reason === 'probe' ? inForceOf(inForce).circuit?.since : undefined
        return { ...handed(id, fields, owner, attempt, kind, since), reason, probeOf }
      }),
      hasMore: hasMore === 1,
      mayHaveLostReplies: isHalfOver === 1,
      lateMs: lateMs > graceMs ? lateMs : 0,
    }
  }

  /** Once in a sixth of a lease: the more is held, the more a look costs. */
  #looksBack(at: number): boolean {
    if (at - this.#lookedBackAt < this.#member.leaseMs / 6) return false
    this.#lookedBackAt = at
    return true
  }

  /**
   * Takes one crash suspect, to be isolated once nothing else is in flight. `undefined`: there is none, or another
   * consumer is at work on one, and this consumer holds something else.
   */
  async takeSuspect(options: { maxDeliveries: number; holdsNothing: boolean }): Promise<HandedEntry | undefined> {
    const { connection, stream, group, alone, suspect, history, due, clock, controls, leaseMs } = this.#member
    const since = now()
    const reply = await connection.run(
      TAKE_SUSPECT,
      { stream, history, due, clock, controls },
      {
        ...{ group, alone, suspect, leaseMs, graceMs: this.graceMs, maxDeliveries: options.maxDeliveries },
        holdsNothing: options.holdsNothing ? 1 : 0,
        sentAt: this.clock.estimateMs() ?? '',
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

  /** Moves an entry that runs alone back to this consumer's own name. Does nothing if the lease was lost. */
  async rejoin({ entryId, owner, attempt }: Token): Promise<void> {
    const { connection, stream, group, consumer } = this.#member
    await connection.run(REJOIN, { stream }, { group, entryId, owner, attempt, consumer })
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
