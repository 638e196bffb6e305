import { type Hindrance, whyOf } from '@redis-streams-processor/streams-core'
import type { ShownState } from '../data.ts'
import { agoOf, moment, some, span } from './words.ts'

/** What a group has done with an entry, in a few words. */
export function stateText(state: ShownState): string {
  switch (state.type) {
    case 'undelivered':
      return 'not delivered yet'
    case 'held':
      return heldText(state)
    case 'waiting-for-retry':
      return `retry ${whenDue(state.dueAt)}, failed ${some(state.deliveries, 'time')}`
    case 'crash-suspect':
      return `crash suspect, ${some(state.deliveries, 'delivery', 'deliveries')}, ${state.consumer ? `taken by ${holderText(state.consumer, state)}` : 'waits to run alone'}`
    case 'set-aside':
      return `set aside while its type is paused, ${some(state.deliveries, 'delivery', 'deliveries')}`
    case 'dead':
      return `dead letter ${state.letter.letterId}: ${state.letter.reason}`
    case 'redriven':
      return `it died here, and was redriven as entry ${state.redrivenAs}`
    case 'not-ours':
      return `not for this group, which passes it over: it was redriven for ${state.redrivenFor} only`
    case 'acknowledged':
      return state.letter
        ? `acknowledged after a replay; dead letter ${state.letter.letterId} is from before it`
        : 'acknowledged'
    case 'unknown':
      return UNKNOWN[state.why]
    default:
      return state satisfies never
  }
}

function holderText(consumer: string, { role, isLeaseOver }: { role?: string; isLeaseOver: boolean }): string {
  if (!isLeaseOver) return consumer
  // A living process of the same name may be beside it.
  const holder = role === 'left' ? `an earlier process of ${consumer}` : consumer
  return `${holder}, whose lease is over: others may take it`
}

function heldText(state: ShownState & { type: 'held' }): string {
  const { consumer, attempt, leaseExtendedAt, isLeaseOver, runningSince } = state
  const delivery = isLeaseOver ? `. Delivery ${attempt}` : `, delivery ${attempt}`
  // Nothing is noted while it waits for a handler slot or is being settled, and when it has only just begun to run. Of a
  // consumer that shows no sign of life nobody knows whether it still runs anything.
  const runs = isLeaseOver ? 'began to run' : 'runs since'
  const run = runningSince === undefined ? '' : `, ${runs} ${moment(runningSince)} (${agoOf(runningSince)})`
  return `held by ${holderText(consumer, state)}${delivery}${run}, lease extended ${agoOf(leaseExtendedAt)}`
}

const UNKNOWN = {
  trimmed: 'handled, or passed over, and trimmed since',
  gone: 'not in the stream',
  'not-appended': 'not published yet',
}

/** Why a group does not go on with an entry, and what ends that. */
export function hindranceText(group: string, hindrance: Hindrance): string {
  const why = whyOf(hindrance)
  if (hindrance.type === 'paused') return `${why}. To go on: group resume ${group}`
  if (hindrance.type === 'type-paused') return `${why}. To go on: group resume ${group} --type ${hindrance.eventType}`
  return why
}

function whenDue(dueAt: string | undefined): string {
  if (dueAt === undefined) return 'due'
  const ms = Date.parse(dueAt) - Date.now()
  return ms <= 0 ? 'due' : ms > 3_600_000 ? `due ${moment(dueAt)}` : `due in ${span(ms)}`
}
