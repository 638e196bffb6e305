import type { Member } from './member.ts'
import { EXTEND } from './scripts/leases.ts'
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
}
