import { moment, plural } from './format.js'

// Sentences about an event that was found.

/** Whether nothing can happen to it any more, unless it is published again or a group is set back. */
export const isFinal = ({ entries, letters }) =>
  letters.length === 0 && entries.every(({ groups }) => groups.every(({ state }) => isFinalState(state)))

const isFinalState = ({ type, why }) =>
  ['acknowledged', 'redriven', 'not-ours'].includes(type) || (type === 'unknown' && why !== 'not-appended')

/** Anybody may have written a letter: what it says of its entry may be no entry id. */
export function unknownText({ letters, knownSince }) {
  if (letters.length > 0) return 'Its entry is not known, only that it has died:'
  const earlier =
    knownSince &&
    ` The stream goes back to ${moment(knownSince)}: what was published before was handled by every group, or dropped where RETENTION is maxlen.`
  return `Nothing is known of this event.${earlier ?? ''}`
}

/** Anybody can ask for an id that looks like that of an entry. */
export const wasPublished = ({ isInStream, eventId, groups }) =>
  isInStream ||
  eventId !== undefined ||
  groups.some(({ state: { type, why } }) => type !== 'unknown' || why === 'trimmed')

const UNKNOWN = {
  trimmed: 'Handled, or passed over, and trimmed since.',
  gone: 'Nothing is known of it: the stream does not hold it.',
  'not-appended': 'Not published yet.',
}

/**
 * Since when it runs is not known of what waits for a handler slot, is being settled, or has only just begun to run. Of a
 * consumer whose lease is over nobody knows whether it still runs anything.
 */
function heldText({ consumer, role, attempt, leaseExtendedAt, isLeaseOver, runningSince }) {
  const runs = runningSince ? `, which ${isLeaseOver ? 'began to run' : 'runs since'} ${moment(runningSince)}` : ''
  const holder = role === 'left' ? `an earlier process of ${consumer}` : consumer
  const held = `Held by ${holder}, delivery ${attempt}${runs}`
  // A living process of the same name may be beside it.
  if (role === 'left') return `${held}: others may take it.`
  return `${held}; its lease was extended ${moment(leaseExtendedAt)}${isLeaseOver ? ', and is over' : ''}.`
}

function suspectText({ deliveries, consumer }) {
  const taken = consumer ? ` ${consumer} has taken it.` : ''
  return `Its consumers died ${plural(deliveries, 'time')}: it waits to run alone.${taken}`
}

/** What a group has done with an entry. */
export function sentenceOf(state) {
  switch (state.type) {
    case 'undelivered':
      return 'Not delivered yet.'
    case 'held':
      return heldText(state)
    case 'waiting-for-retry':
      return `Waits for a retry after ${plural(state.deliveries, 'delivery', 'deliveries')}, due ${state.dueAt ? moment(state.dueAt) : 'now'}.`
    case 'crash-suspect':
      return suspectText(state)
    case 'set-aside':
      return `Set aside after ${plural(state.deliveries, 'delivery', 'deliveries')}.`
    case 'dead':
      return `A dead letter since ${moment(state.letter.diedAt)}: ${state.letter.error}`
    case 'redriven':
      return `It died, and was redriven as entry ${state.redrivenAs}.`
    case 'not-ours':
      return `Not for this group, which passes it over: it was redriven for ${state.redrivenFor} only.`
    case 'acknowledged':
      return state.letter
        ? `Acknowledged since the group was set back. Its dead letter of ${moment(state.letter.diedAt)} is from before: redriven, the event would be handled once more.`
        : 'Acknowledged.'
    default:
      return UNKNOWN[state.why]
  }
}
