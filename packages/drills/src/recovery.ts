import type { LedgerLine } from '@redis-streams-processor/service-kit'

/** A consumer that lost what it held, because it was killed, cut off or told to leave, and when. */
export interface Loss {
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

/** Times run from the loss of an entry until it ran elsewhere, as far as no other fault came between. */
export interface Recovery {
  /** Entries that consumers lost. */
  held: number
  /** Of these: ran elsewhere. */
  elsewhere: number
  /** Of these: could be timed. */
  timed: number
  medianMs: number | undefined
  p99Ms: number | undefined
  worstMs: number | undefined
}

/** Pure: how long it took others to take over what consumers lost. */
export function timeRecovery(
  ledger: readonly LedgerLine[],
  losses: readonly Loss[],
  outages: readonly Outage[] = [],
): Recovery {
  const starts = startsByEntry(ledger)
  const times: number[] = []
  let [held, elsewhere] = [0, 0]
  for (const { group, consumer, at, entryIds } of losses) {
    held += entryIds.length
    for (const entryId of entryIds) {
      const others = (starts.get(`${group} ${entryId}`) ?? []).filter(
        (start) => start.at >= at && start.consumer !== consumer,
      )
      // Without a start elsewhere, the consumer settled it with a last command that was still on its way.
      if (others.length === 0) continue
      elsewhere += 1
      const startedAt = Math.min(...others.map((start) => start.at))
      // Where the next owner lost it as well before it had started it, the time runs from that loss.
      const isLostAgain = losses.some((loss) => loss.at > at && loss.at < startedAt && loss.entryIds.includes(entryId))
      const isDelayed = outages.some(({ from, to }) => from < startedAt && to > at)
      if (!isLostAgain && !isDelayed) times.push(startedAt - at)
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
