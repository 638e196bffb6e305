import { timeText } from '../base/clock.ts'
import { compareIds, timeOf } from '../base/entry-id.ts'
import type { EntryView, GroupView, PendingEntry } from '../broker/find.ts'
import type { DeadLetter } from '../broker/letter.ts'
import type { FailedDelivery } from '../broker/letter-codec.ts'
import { type HolderRole, holderOf, RETRY_CONSUMER, SUSPECTS } from '../broker/pseudo-consumers.ts'
import { redriveOf } from '../define/entry.ts'
import { isLeaseOver } from './lease.ts'

/** As what a consumer, or an earlier process of its name, holds an entry. */
export type HeldRole = Exclude<HolderRole, 'suspect' | 'suspects'>

/** What a group has done with an entry. */
export type EventState =
  /** It was not delivered to the group yet. */
  | { type: 'undelivered' }
  /**
   * A consumer has it: it waits for a handler slot, runs, or is being settled. Times are RFC 3339, by Redis' clock.
   * `leaseExtendedAt`: when it was delivered, or its lease was last extended. `isLeaseOver`: that is longer ago than the
   * longest lease of the group, and the consumer is dead or cut off; or an earlier process of the same name has left the
   * entry (`role` is `left`): others may take it. `runningSince`: when it got its handler slot, to within what a
   * command takes to reach Redis. The consumer tells that with the extensions of its leases, the first of which comes
   * within a third of a lease. So it is undefined while the entry waits or is being settled, and in the first moments of a
   * run. `owner` is the name that Redis has; `role` is what it says beyond the name of the consumer.
   */
  | {
      type: 'held'
      consumer: string
      role: HeldRole
      owner: string
      attempt: number
      leaseExtendedAt: string
      isLeaseOver: boolean
      runningSince: string | undefined
      history: FailedDelivery[]
    }
  /** `dueAt`: RFC 3339, by Redis' clock; undefined where none is noted: it is due at once. */
  | { type: 'waiting-for-retry'; deliveries: number; dueAt: string | undefined; history: FailedDelivery[] }
  /**
   * Its consumer died more than once: it waits to be run alone. `consumer` has taken it, and not started it yet.
   * `isLeaseOver`: that consumer is dead or cut off, too; false where there is none.
   */
  | {
      type: 'crash-suspect'
      deliveries: number
      consumer: string | undefined
      isLeaseOver: boolean
      history: FailedDelivery[]
    }
  /** No consumer has it, and none may claim it for now: `owner` is a name with no process behind it. */
  | { type: 'set-aside'; owner: string; deliveries: number; history: FailedDelivery[] }
  /** Only the last start of a group is known: what was handled after an earlier one may still be called dead. */
  | { type: 'dead'; letter: DeadLetter }
  /**
   * It had died, and its letter was redriven: `redrivenAs` is the entry id of the copy, the newest one of several, which
   * says what became of the event. Copies that older versions have appended do not say of which entry they are: that one is
   * called acknowledged.
   */
  | { type: 'redriven'; redrivenAs: string }
  /** The entry was redriven for one other group alone, `redrivenFor`: this group passes it over, or has done so. */
  | { type: 'not-ours'; redrivenFor: string }
  /**
   * Acknowledged, or passed over: a group that was put at a later start was never given it. `letter`: it had died, and was
   * handled after a replay; there is nothing to redrive.
   */
  | { type: 'acknowledged'; letter?: DeadLetter }
  /**
   * The stream does not hold it. `trimmed`: it was appended for certain, and the group has handled it, or passed over it (a
   * group that was put at a later start); where the retention is `maxlen`, it may also have been dropped. `gone`: it was
   * deleted, or there never was such an entry. `not-appended`: its id lies after the newest one.
   */
  | { type: 'unknown'; why: 'trimmed' | 'gone' | 'not-appended' }

interface About {
  letter?: DeadLetter | undefined
  redrivenAs?: string | undefined
  wasAppended?: boolean
}

/**
 * @param about.letter The newest one that the group has of this entry.
 * @param about.redrivenAs The newest entry as which it was redriven for this group.
 * @param about.wasAppended Whether it is known that the entry was appended once.
 */
export function stateOf(
  entry: EntryView,
  group: GroupView,
  { letter, redrivenAs, wasAppended = false }: About = {},
): EventState {
  if (group.pending) return stateOfPending(group.pending, group.workers?.leaseMs)
  const redrivenFor = entry.fields && redriveOf(entry.fields)?.group
  if (redrivenFor !== undefined && redrivenFor !== group.group && !letter) return { type: 'not-ours', redrivenFor }
  if (entry.fields && compareIds(entry.entryId, group.lastDeliveredId) > 0) return { type: 'undelivered' }
  if (letter && !(entry.fields && wasReplayed(entry.entryId, group, letter.letterId))) return { type: 'dead', letter }
  if (redrivenAs && !(entry.fields && wasReplayed(entry.entryId, group, redrivenAs))) {
    return { type: 'redriven', redrivenAs }
  }
  if (entry.fields) return { type: 'acknowledged', ...(letter && { letter }) }
  if (compareIds(entry.entryId, entry.newestId) > 0) return { type: 'unknown', why: 'not-appended' }
  const hasPassed = compareIds(entry.entryId, group.lastDeliveredId) <= 0
  return { type: 'unknown', why: wasAppended && hasPassed ? 'trimmed' : 'gone' }
}

/** Whether the group was given the entry again after it had died, or was redriven: when that was is in the id. */
function wasReplayed(entryId: string, { lastStart }: GroupView, id: string): boolean {
  return lastStart !== undefined && timeOf(id) < lastStart.at && compareIds(entryId, lastStart.after) > 0
}

function stateOfPending(pending: PendingEntry, leaseMs: number | undefined): EventState {
  const { owner, deliveries, history, ...times } = pending
  const dueAt = textOf(times.dueAt)
  if (owner === RETRY_CONSUMER) return { type: 'waiting-for-retry', deliveries, dueAt, history }
  const { consumer, role } = holderOf(owner)
  const isOver = isLeaseOver(pending, leaseMs)
  if (role === 'suspect' || owner === SUSPECTS) {
    return { type: 'crash-suspect', deliveries, consumer: consumer || undefined, isLeaseOver: isOver, history }
  }
  if (role === 'suspects') return { type: 'set-aside', owner, deliveries, history }
  const runningSince = textOf(times.runningSince)
  const leaseExtendedAt = timeText(times.touchedAt)
  const lease = { leaseExtendedAt, isLeaseOver: isOver }
  return { type: 'held', consumer, role, owner, attempt: deliveries, ...lease, runningSince, history }
}

const textOf = (time: number | undefined) => (time === undefined ? undefined : timeText(time))
