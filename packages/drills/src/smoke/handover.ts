import type { DeliveryLine, LedgerLine } from '@redis-streams-processor/service-kit'
import { compareIds } from '@redis-streams-processor/streams-core'
import type { Handover } from './step.ts'

export interface HandoverReport {
  /** Entries that were first delivered while consumers left, and that a handler has seen. */
  delivered: number
  /** Of these: finished more than once. */
  finishedTwice: number
  /** Of these: started more than once, or charged with an attempt that never was. */
  triedAgain: number
  /** Entries that a leaver held and others had to start. */
  handedOver: number
  /** From the order to leave until the last of these was running elsewhere. */
  longestWaitMs: number
}

/** Pure: what consumers that leave as they should cost those that stay. Meant for handlers that never fail. */
export function judgeHandover(ledger: readonly LedgerLine[], group: string, handover: Handover): HandoverReport {
  const { leavers, afterEntryId, untilEntryId } = handover
  const lines = new Map<string, DeliveryLine[]>()
  for (const line of ledger) {
    if (!('attempt' in line) || line.group !== group) continue
    lines.set(line.entryId, [...(lines.get(line.entryId) ?? []), line])
  }
  const isMeanwhile = (id: string) => compareIds(id, afterEntryId) > 0 && compareIds(id, untilEntryId) <= 0
  const meanwhile = [...lines].flatMap(([id, entryLines]) => (isMeanwhile(id) ? [entryLines] : []))
  const waits = leavers.flatMap(({ consumer, at, heldEntryIds }) =>
    heldEntryIds.flatMap((id) => {
      const starts = (lines.get(id) ?? []).filter(({ what }) => what === 'started').sort((a, b) => a.at - b.at)
      const [first] = starts
      return first && first.consumer !== consumer && first.at >= at ? [first.at - at] : []
    }),
  )
  return {
    delivered: meanwhile.length,
    finishedTwice: meanwhile.filter((entryLines) => count(entryLines, 'finished') > 1).length,
    triedAgain: meanwhile.filter(
      (entryLines) => count(entryLines, 'started') > 1 || entryLines.some(({ attempt }) => attempt > 1),
    ).length,
    handedOver: waits.length,
    longestWaitMs: Math.max(0, ...waits),
  }
}

const count = (lines: readonly DeliveryLine[], wanted: DeliveryLine['what']) =>
  lines.filter(({ what }) => what === wanted).length
