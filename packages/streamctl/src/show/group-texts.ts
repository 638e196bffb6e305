import type { DeleteResult, StartPoint, StartResult } from '@redis-streams-processor/streams-core'
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

/** Where a group is put, as it was asked for. A time span ago is told with the time that it was. */
function placeOf(from: StartPoint, startsAfter: string): string {
  if (from === 'beginning') return 'the oldest entry in the stream'
  if (from === 'end') return 'what is published from now on'
  if ('entryId' in from) return `entry ${from.entryId}`
  if ('after' in from) return `what follows entry ${from.after}`
  if ('time' in from) return moment(new Date(from.time).toISOString())
  // Where nothing was published since, it is the newest entry that the group starts after.
  const [, ms] = LAST_OF_MS.exec(startsAfter) ?? []
  const at = ms === undefined ? '' : ` (${moment(new Date(Number(ms) + 1).toISOString())})`
  return `${span(from.agoMs)} ago${at}`
}

/** The last id that a millisecond can have: what comes after it begins with the next millisecond. */
const LAST_OF_MS = /^(\d+)-18446744073709551615$/

/** @param from As it was asked for. */
export function startText(result: StartResult, from: StartPoint, isPlan: boolean, width: number): string[] {
  const { group, existed, startsAfter, toHandle, skipped, dropped, isStartTrimmed } = result
  const will = isPlan ? 'would be' : 'is'
  const isReplay = existed && toHandle > 0
  const sentences = [
    `Group ${group} ${will} ${existed ? 'set to' : 'created at'} ${placeOf(from, startsAfter)}: ${entries(toHandle)} to handle${isReplay ? ', whether it had handled them or not. Effects happen again' : ''}.`,
    ...(skipped > 0
      ? [`${entries(skipped)} before that, not acknowledged, ${isPlan ? 'would not be' : 'will not be'} handled.`]
      : []),
    ...(dropped > 0
      ? [`The deliveries so far of ${entries(dropped)} that ${dropped === 1 ? 'was' : 'were'} pending are forgotten.`]
      : []),
    ...(isReplay
      ? ['Its dead letters stay: redriven, an event that is handled again would be handled once more.']
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
