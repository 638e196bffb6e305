import { infosOf } from './infos.ts'
import type { Member } from './member.ts'
import { isWaitingName, SUSPECTS } from './pseudo-consumers.ts'
import { EXTEND, RESET_IDLE } from './scripts/leases.ts'
import { lostAmong, type RecordedToken, recordKeysOf, runningValue } from './token.ts'

/** How a consumer keeps the leases of what it holds. */
export class LeaseBroker {
  readonly #member: Member

  constructor(member: Member) {
    this.#member = member
  }

  /** Extends the leases of deliveries, and their idempotency records; returns those whose lease is lost. */
  async extend<T extends RecordedToken>(deliveries: readonly T[]): Promise<T[]> {
    const { connection, stream, group, leaseMs } = this.#member
    return lostAmong(deliveries, async (chunk) => {
      const args = chunk.flatMap((d) => [d.entryId, d.owner, d.attempt, runningValue(d)])
      const lostIds = await connection.run(EXTEND, { stream }, { group, leaseMs }, { keys: recordKeysOf(chunk), args })
      return lostIds as string[]
    })
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
