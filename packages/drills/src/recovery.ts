import type { LedgerLine } from '@redis-streams-processor/service-kit'

/** What a consumer held when it was taken out: killed, cut off or told to leave. */
export interface Takedown {
  group: string
  consumer: string
  at: number
  entryIds: readonly string[]
}

/** A time in which no consumer could take over. */
export interface Outage {
  from: number
  to: number
}

/** How long it took from each takedown until an entry ran elsewhere, where no other fault came between. */
export interface Recovery {
  /** Entries that the consumers held. */
  held: number
  /** Of these: ran elsewhere. */
  elsewhere: number
  /** Of these: could be timed. */
  timed: number
  medianMs: number | undefined
  p99Ms: number | undefined
  worstMs: number | undefined
}

/** Pure: how long it took until others ran what the consumers had held. */
export function timeRecovery(
  ledger: readonly LedgerLine[],
  takedowns: readonly Takedown[],
  outages: readonly Outage[] = [],
): Recovery {
  const starts = startsByEntry(ledger)
  const times: number[] = []
  let [held, elsewhere] = [0, 0]
  for (const { group, consumer, at, entryIds } of takedowns) {
    held += entryIds.length
    for (const entryId of entryIds) {
      const others = (starts.get(`${group} ${entryId}`) ?? []).filter(
        (start) => start.at >= at && start.consumer !== consumer,
      )
      // Without a start elsewhere, the consumer settled it with a last command that was still on its way.
      if (others.length === 0) continue
      elsewhere += 1
      const startedAt = Math.min(...others.map((start) => start.at))
      // If the next owner was taken out as well before it started the entry, the time runs from that takedown.
      const hasLater = takedowns.some(
        (later) => later.at > at && later.at < startedAt && later.entryIds.includes(entryId),
      )
      const isDelayed = outages.some(({ from, to }) => from < startedAt && to > at)
      if (!hasLater && !isDelayed) times.push(startedAt - at)
    }
  }
  times.sort((a, b) => a - b)
  const quantile = (q: number) => times[Math.min(times.length - 1, Math.floor(times.length * q))]
  const timed = times.length
  return { held, elsewhere, timed, medianMs: quantile(0.5), p99Ms: quantile(0.99), worstMs: quantile(1) }
}

function startsByEntry(ledger: readonly LedgerLine[]): Map<string, { at: number; consumer: string }[]> {
  const starts = new Map<string, { at: number; consumer: string }[]>()
  for (const line of ledger) {
    if (line.what !== 'started') continue
    const key = `${line.group} ${line.entryId}`
    const known = starts.get(key)
    if (known) known.push(line)
    else starts.set(key, [line])
  }
  return starts
}
