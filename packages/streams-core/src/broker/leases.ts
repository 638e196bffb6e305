import { now } from '../base/clock.ts'
import { infosOf } from './infos.ts'
import type { Member } from './member.ts'
import { isWaitingName, SUSPECTS } from './pseudo-consumers.ts'
import { EXTEND, RESET_IDLE } from './scripts/leases.ts'
import { chunksByRecord, type RecordedToken, recordKeysOf } from './token.ts'

/** A delivery whose lease is to be extended. */
export interface HeldToken extends RecordedToken {
  /** Since when its handler runs, on the clock of `now()`; undefined while it does not. */
  readonly runningSince?: number | undefined
}

/** How a consumer keeps the leases of what it holds. */
export class LeaseBroker {
  readonly #member: Member

  constructor(member: Member) {
    this.#member = member
  }

  /**
   * Extends the leases of deliveries, and their idempotency records; notes since when each of them runs. Returns those
   * whose lease is lost.
   * @param haveAll Whether every delivery that runs is among them: then what was noted of others is dropped.
   */
  async extend<T extends HeldToken>(deliveries: readonly T[], haveAll: boolean): Promise<T[]> {
    const { connection, stream, runs, group, leaseMs } = this.#member
    const lost: T[] = []
    let forgets = haveAll ? 1 : 0
    for (const chunk of chunksByRecord(deliveries)) {
      const args = chunk.flatMap((d) => [d.entryId, d.owner, d.attempt, ranMs(d)])
      const more = { keys: recordKeysOf(chunk), args }
      const reply = await connection.run(EXTEND, { stream, runs }, { group, leaseMs, forgets }, more)
      forgets = 0
      const lostIds = new Set(reply as string[])
      lost.push(...chunk.filter(({ entryId }) => lostIds.has(entryId)))
    }
    return lost
  }

  /** Sets the leases anew that seem to begin in the future, because Redis' clock was set back. */
  async resetFutureLeases(): Promise<void> {
    const { connection, stream, group } = this.#member
    for (const { name } of await infosOf(connection, ['XINFO', 'CONSUMERS', stream, group])) {
      // What these own is not found by its idle time.
      if (name === SUSPECTS || isWaitingName(String(name))) continue
      let start: string | null = '-'
      while (start !== null) {
        const args: Record<'group' | 'name' | 'start', string> = { group, name: String(name), start }
        start = (await connection.run(RESET_IDLE, { stream }, args)) as string | null
      }
    }
  }
}

const ranMs = ({ runningSince }: HeldToken) => (runningSince === undefined ? '' : Math.round(now() - runningSince))
