import type { ShownState } from '../data.ts'
import { agoOf, moment, some, span } from './words.ts'

/** What a group has done with an entry, in a few words. */
export function stateText(state: ShownState): string {
  switch (state.type) {
    case 'undelivered':
      return 'not delivered yet'
    case 'held':
      return `held by ${state.owner}, attempt ${state.attempt}, seen ${agoOf(state.leaseExtendedAt)}`
    case 'waiting-for-retry':
      return `retry ${whenDue(state.dueAt)}, failed ${some(state.deliveries, 'time')}`
    case 'crash-suspect':
      return `crash suspect, ${some(state.deliveries, 'delivery', 'deliveries')}, ${state.consumer ? `taken by ${state.consumer}` : 'waits to run alone'}`
    case 'set-aside':
      return `set aside while its type is paused, ${some(state.deliveries, 'delivery', 'deliveries')}`
    case 'dead':
      return `dead letter ${state.letter.letterId}: ${state.letter.reason}`
    case 'acknowledged':
      return state.letter
        ? `acknowledged after a replay; dead letter ${state.letter.letterId} is from before it`
        : 'acknowledged'
    case 'unknown':
      return state.why === 'gone' ? 'not in the stream any more' : 'not appended yet'
    default:
      return state satisfies never
  }
}

function whenDue(dueAt: string | undefined): string {
  if (dueAt === undefined) return 'due'
  const ms = Date.parse(dueAt) - Date.now()
  return ms <= 0 ? 'due' : ms > 3_600_000 ? `due ${moment(dueAt)}` : `due in ${span(ms)}`
}
