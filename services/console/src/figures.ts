import type { StreamLook, WatchedGroup } from '@redis-streams-processor/streams-core'

/** What is drawn of a group. Rates are per second; null where they are not known. */
export interface Figures {
  lag: number
  settledPerSecond: number | null
  failedPerSecond: number | null
  pending: number
  waitingForRetry: number
  oldestUnhandledMs: number
}

/** Of what only grows, and by when. */
interface Counts {
  nowMs: number
  settled: number | undefined
  failed: number
}

/** Rates are taken over at least this time, so that they are calm, and at most so much more. */
const OVER_MS = 4_000

/** Makes rates of counts: compares each look with one some seconds before. */
export class Rates {
  #looks: { nowMs: number; counts: Map<string, Counts> }[] = []

  /** To be told each look, in order. */
  add({ nowMs, groups }: StreamLook): void {
    const counts = new Map(groups.map(({ group, settled, failed }) => [group, { nowMs, settled, failed }]))
    // Redis' clock was set back: what was seen before lies ahead of it.
    if (nowMs < (this.#looks.at(-1)?.nowMs ?? 0)) this.#looks = []
    this.#looks.push({ nowMs, counts })
    // The newest of those that are old enough stays.
    while ((this.#looks[1]?.nowMs ?? nowMs) <= nowMs - OVER_MS) this.#looks.shift()
  }

  /** To be told what is seen between two looks: a group that is new is counted from then on. */
  meet({ nowMs, groups }: StreamLook): void {
    const counts = this.#looks.at(-1)?.counts
    for (const { group, settled, failed } of groups) {
      if (counts && !counts.has(group)) counts.set(group, { nowMs, settled, failed })
    }
  }

  figuresOf(group: WatchedGroup): Figures {
    const { lag, pending, waitingForRetry, oldestUnhandledMs } = group
    // A group that is new is not in the oldest ones.
    const before = this.#looks.find(({ counts }) => counts.has(group.group))?.counts.get(group.group)
    const now = this.#looks.at(-1)?.counts.get(group.group)
    return {
      ...{ lag, pending, waitingForRetry, oldestUnhandledMs },
      settledPerSecond: rate(before, now, (counts) => counts.settled),
      failedPerSecond: rate(before, now, (counts) => counts.failed),
    }
  }
}

/** A count that has shrunk was set back: nothing is known of that time. */
function rate(before: Counts | undefined, now: Counts | undefined, read: (counts: Counts) => number | undefined) {
  const [from, to] = [before && read(before), now && read(now)]
  if (!before || !now || from === undefined || to === undefined || to < from || now.nowMs <= before.nowMs) return null
  return ((to - from) * 1_000) / (now.nowMs - before.nowMs)
}
