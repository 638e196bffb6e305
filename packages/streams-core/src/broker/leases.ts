import type { Member } from './member.ts'
import { RETRY_CONSUMER, SUSPECTS } from './pseudo-consumers.ts'
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
    return lostAmong(deliveries, (chunk) => {
      const args = chunk.flatMap((d) => [d.entryId, d.owner, d.attempt, runningValue(d)])
      return connection.run(EXTEND, { stream }, { group, leaseMs }, { keys: recordKeysOf(chunk), args })
    })
  }

  /** Sets the leases anew that seem to begin in the future, because Redis' clock was set back. Returns how many. */
  async resetFutureLeases(): Promise<number> {
    const { connection, stream, group } = this.#member
    const infos = await connection.send<(string | number)[][]>(['XINFO', 'CONSUMERS', stream, group])
    let count = 0
    for (const info of infos) {
      const name = String(info[info.indexOf('name') + 1])
      // What these own is not found by its idle time.
      if (name === RETRY_CONSUMER || name === SUSPECTS) continue
      let start: string | null = '-'
      while (start !== null) {
        const reply = await connection.run(RESET_IDLE, { stream }, { group, name, start })
        const [reset, next] = reply as [number, string | null]
        count += reset
        start = next
      }
    }
    return count
  }
}
