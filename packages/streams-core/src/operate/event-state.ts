import { timeText } from '../base/clock.ts'
import { compareIds, timeOf } from '../base/entry-id.ts'
import type { EntryView, GroupView, PendingEntry } from '../broker/find.ts'
import type { FailedDelivery } from '../broker/letter-codec.ts'
import { consumerIn, isSuspectName, RETRY_CONSUMER } from '../broker/pseudo-consumers.ts'
import type { DeadLetter } from './letter.ts'

/** What a group has done with an entry. */
export type EventState =
  /** It was not delivered to the group yet. */
  | { type: 'undelivered' }
  /**
   * A consumer has it: it waits for a handler slot, runs, or is being settled. Redis does not know since when it runs, only
   * when its lease was last extended (RFC 3339, by Redis' clock): longer ago than `leaseMs`, and the consumer is dead.
   * `owner` is the name that Redis has, which may say more than that of the consumer: see docs/internals.md.
   */
  | {
      type: 'held'
      consumer: string
      owner: string
      attempt: number
      leaseExtendedAt: string
      history: FailedDelivery[]
    }
  /** `dueAt`: RFC 3339, by Redis' clock; undefined where none is noted: it is due at once. */
  | { type: 'waiting-for-retry'; deliveries: number; dueAt: string | undefined; history: FailedDelivery[] }
  /** Its consumer died more than once: it waits to be run alone. `consumer` has taken it, and not started it yet. */
  | { type: 'crash-suspect'; deliveries: number; consumer: string | undefined; history: FailedDelivery[] }
  /** No consumer has it, and none may claim it for now: `owner` is a name with no process behind it. */
  | { type: 'set-aside'; owner: string; deliveries: number; history: FailedDelivery[] }
  /** Only the last start of a group is known: what was handled after an earlier one may still be called dead. */
  | { type: 'dead'; letter: DeadLetter }
  /**
   * Acknowledged, or passed over: a group that was put at a later start was never given it. `letter`: it had died, and was
   * handled after a replay; there is nothing to redrive.
   */
  | { type: 'acknowledged'; letter?: DeadLetter }
  /**
   * Nothing is known of it. `gone`: the stream does not hold it any more, or has never held it. `not-appended`: its id
   * lies after the newest one.
   */
  | { type: 'unknown'; why: 'gone' | 'not-appended' }

/** @param letter The newest one that the group has of this entry. */
export function stateOf(entry: EntryView, group: GroupView, letter: DeadLetter | undefined): EventState {
  if (group.pending) return stateOfPending(group.pending)
  if (entry.fields && compareIds(entry.entryId, group.lastDeliveredId) > 0) return { type: 'undelivered' }
  if (letter && !(entry.fields && wasReplayed(entry.entryId, group, letter))) return { type: 'dead', letter }
  if (entry.fields) return { type: 'acknowledged', ...(letter && { letter }) }
  return { type: 'unknown', why: compareIds(entry.entryId, entry.newestId) > 0 ? 'not-appended' : 'gone' }
}

/** Whether the group was given the entry again after it had died. */
function wasReplayed(entryId: string, { lastStart }: GroupView, { letterId }: DeadLetter): boolean {
  return lastStart !== undefined && timeOf(letterId) < lastStart.at && compareIds(entryId, lastStart.after) > 0
}

function stateOfPending({ owner, touchedAt, deliveries, dueAt, history }: PendingEntry): EventState {
  if (owner === RETRY_CONSUMER) {
    return { type: 'waiting-for-retry', deliveries, dueAt: dueAt === undefined ? undefined : timeText(dueAt), history }
  }
  const consumer = consumerIn(owner)
  if (isSuspectName(owner)) return { type: 'crash-suspect', deliveries, consumer: consumer || undefined, history }
  if (consumer === '') return { type: 'set-aside', owner, deliveries, history }
  return { type: 'held', consumer, owner, attempt: deliveries, leaseExtendedAt: timeText(touchedAt), history }
}
