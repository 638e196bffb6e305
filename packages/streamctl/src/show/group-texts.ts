import type { DeleteResult, StartResult } from '@redis-streams-processor/streams-core'
import { wrap } from './text.ts'
import { count, moment, some, span } from './words.ts'

const entries = (value: number) => some(value, 'entry', 'entries')

/** What keeps a plan from being carried out now. */
function hindrance({ atWork, freeInMs }: { atWork: string[]; freeInMs: number }): string[] {
  if (atWork.length > 0) return [`At work: ${atWork.join(', ')}. Stop them first.`]
  return freeInMs > 0
    ? [
        `Somebody was at work just now: the group counts as left once nobody has given a sign of life for ${span(freeInMs)} more.`,
      ]
    : []
}

/** The sequence of the last id that a millisecond can have: what comes after it begins with the next millisecond. */
const LAST_SEQUENCE = '18446744073709551615'

/** An entry id begins with the time. */
function placeOf(startsAfter: string): string {
  if (startsAfter === '0-0') return 'the beginning'
  const [ms, sequence] = startsAfter.split('-')
  const isTime = sequence === LAST_SEQUENCE
  const time = new Date(Number(ms) + (isTime ? 1 : 0))
  const at = Number.isNaN(time.getTime()) ? undefined : moment(time.toISOString())
  if (isTime && at) return at
  return `what follows entry ${startsAfter}${at ? ` (${at})` : ''}`
}

export function startText(result: StartResult, isPlan: boolean, width: number): string[] {
  const { group, existed, startsAfter, toHandle, skipped, dropped, isStartTrimmed } = result
  const will = isPlan ? 'would be' : 'is'
  const sentences = [
    `Group ${group} ${will} ${existed ? 'set to' : 'created at'} ${placeOf(startsAfter)}: ${entries(toHandle)} to handle.`,
    ...(skipped > 0
      ? [`${entries(skipped)} before it, not acknowledged, ${isPlan ? 'would not be' : 'will not be'} handled.`]
      : []),
    ...(dropped > 0
      ? [`The deliveries so far of ${entries(dropped)} that ${dropped === 1 ? 'was' : 'were'} pending are forgotten.`]
      : []),
    ...(isStartTrimmed ? ['Entries after the start may have been trimmed: nobody can handle those again.'] : []),
    ...hindrance(result),
  ]
  return sentences.flatMap((sentence) => wrap(sentence, width, 2))
}

export function deletedText(result: DeleteResult, isPlan: boolean, width: number): string[] {
  const { group, existed, lag, isLagExact, pending, waitingForRetry, deadLetters } = result
  const sentences = [
    existed
      ? `Group ${group} ${isPlan ? 'would be' : 'is'} deleted, with ${entries(pending)} pending, ${count(waitingForRetry)} waiting for a retry, ` +
        `${isLagExact ? '' : 'at least '}${count(lag)} not delivered, and ${some(deadLetters, 'dead letter')}.`
      : `There is no group ${group}; ${isPlan ? 'what is left of one would be deleted' : 'what was left of one is deleted'}.`,
    ...hindrance(result),
  ]
  return sentences.flatMap((sentence) => wrap(sentence, width, 2))
}
