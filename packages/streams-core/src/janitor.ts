import type { GroupBroker } from './broker/group.ts'
import { now } from './clock.ts'
import { compareIds } from './id.ts'
import type { Retention } from './options.ts'
import type { Tell } from './report.ts'

export const TIDY_EVERY_MS = 1_000
/** A consumer that holds nothing and has not asked for anything for this long is gone. */
const CONSUMER_IDLE_MS = 300_000

/** Trims what every group has acknowledged, deletes consumers that are gone, and names the group that holds it all up. */
export class Janitor {
  readonly #retention: Retention
  readonly #broker: GroupBroker
  readonly #tell: Tell
  readonly #dropped = new Map<string, number>()
  readonly #marks = new Map<string, { neededId: string; since: number; warned: boolean }>()

  constructor(retention: Retention, actors: { broker: GroupBroker; tell: Tell }) {
    this.#retention = retention
    this.#broker = actors.broker
    this.#tell = actors.tell
  }

  async tidyOnce(): Promise<number> {
    const tidied = await this.#broker.tidy(this.#retention, TIDY_EVERY_MS, CONSUMER_IDLE_MS)
    if (!tidied) return 0
    if (tidied.trimmed > 0) this.#tell({ kind: 'trimmed', entries: tidied.trimmed })
    if (tidied.consumersDeleted > 0) this.#tell({ kind: 'consumers-deleted', consumers: tidied.consumersDeleted })
    for (const group of tidied.groups) this.#watch(group, tidied.newestId)
    if (this.#retention.policy === 'maxlen') await this.#tellDropped()
    return tidied.trimmed
  }

  async #tellDropped(): Promise<void> {
    for (const [group, total] of await this.#broker.droppedUnread()) {
      if (total > (this.#dropped.get(group) ?? 0)) this.#tell({ kind: 'dropped-unread', group, total })
      this.#dropped.set(group, total)
    }
  }

  #watch({ group, neededId, pending }: { group: string; neededId: string; pending: number }, newestId: string): void {
    const mark = this.#marks.get(group)
    const isDone = pending === 0 && compareIds(neededId, newestId) >= 0
    if (!mark || mark.neededId !== neededId || isDone) {
      this.#marks.set(group, { neededId, since: now(), warned: false })
      return
    }
    const stalledMs = now() - mark.since
    if (stalledMs < this.#retention.warnAfterMs || mark.warned) return
    mark.warned = true
    this.#tell({ kind: 'group-behind', group, neededId, pending, stalledMs: Math.round(stalledMs) })
  }
}
