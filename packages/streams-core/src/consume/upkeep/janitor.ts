import { now } from '../../base/clock.ts'
import { compareIds } from '../../base/entry-id.ts'
import type { GroupPosition, UpkeepBroker } from '../../broker/upkeep.ts'
import type { ParsedRetention } from '../../define/retention.ts'
import type { Tell } from '../../tell/report.ts'

export const TIDY_EVERY_MS = 1_000
/** A janitor that finds another one at work looks again after this. */
const LOOK_AGAIN_MS = 3 * TIDY_EVERY_MS
/** A consumer that holds nothing and has not asked Redis for anything for this long is gone. */
const CONSUMER_IDLE_MS = 300_000

/** Trims what every group has acknowledged, deletes consumers that are gone, and warns of groups that are behind. */
export class Janitor {
  readonly #retention: ParsedRetention
  readonly #broker: UpkeepBroker
  readonly #tell: Tell
  readonly #dropped = new Map<string, number>()
  /** Group → where it stands, and since when. */
  readonly #positions = new Map<string, { neededId: string; since: number; isTold: boolean }>()

  #nextAt = 0

  constructor(retention: ParsedRetention, actors: { broker: UpkeepBroker; tell: Tell }) {
    this.#retention = retention
    this.#broker = actors.broker
    this.#tell = actors.tell
  }

  async tidyOnce(): Promise<void> {
    if (now() < this.#nextAt) return
    const tidied = await this.#broker.tidy(this.#retention, TIDY_EVERY_MS, CONSUMER_IDLE_MS)
    if (!tidied) {
      this.#nextAt = now() + LOOK_AGAIN_MS
      return
    }
    if (tidied.trimmed > 0) this.#tell({ kind: 'trimmed', entries: tidied.trimmed })
    if (tidied.consumersDeleted > 0) this.#tell({ kind: 'consumers-deleted', consumers: tidied.consumersDeleted })
    for (const position of tidied.groups) this.#tellIfBehind(position, tidied.newestId)
    if (this.#retention.policy === 'maxlen') await this.#tellDropped()
  }

  async #tellDropped(): Promise<void> {
    for (const [group, total] of await this.#broker.droppedUnread()) {
      if (total > (this.#dropped.get(group) ?? 0)) this.#tell({ kind: 'dropped-unread', group, total })
      this.#dropped.set(group, total)
    }
  }

  #tellIfBehind({ group, neededId, pending }: GroupPosition, newestId: string): void {
    const before = this.#positions.get(group)
    const isDone = pending === 0 && compareIds(neededId, newestId) >= 0
    if (!before || before.neededId !== neededId || isDone) {
      this.#positions.set(group, { neededId, since: now(), isTold: false })
      return
    }
    const stalledMs = now() - before.since
    if (stalledMs < this.#retention.warnAfterMs || before.isTold) return
    before.isTold = true
    this.#tell({ kind: 'group-behind', group, neededId, pending, stalledMs: Math.round(stalledMs) })
  }
}
