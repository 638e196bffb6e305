import type { ControlsState } from '@redis-streams-processor/streams-core'
import { wrap } from './text.ts'
import { moment, some } from './words.ts'

/** What was done to the controls of a group. `eventType`: of which type of event; undefined: of the whole group. */
export interface Changed {
  what: 'pause' | 'resume' | 'limit'
  eventType?: string
}

export function controlsText(
  group: string,
  changed: Changed,
  { before, state }: { before: ControlsState; state: ControlsState },
  width: number,
): string[] {
  const { what, eventType } = changed
  const { paused, pausedTypes, limitPerSecond } = state
  const others = pausedTypes.filter((type) => what !== 'pause' || type.eventType !== eventType)
  const sentences = [
    doneText(group, changed, { before, state }),
    ...(paused && (what !== 'pause' || eventType !== undefined)
      ? [
          `${group} is paused by ${paused.by === 'circuit' ? 'its circuit' : 'an operator'} since ${moment(paused.since)}${because(paused.reason)}.`,
        ]
      : []),
    ...others.map(
      (type) => `${type.eventType} in ${group} is paused since ${moment(type.since)}${because(type.reason)}.`,
    ),
    ...(limitPerSecond === undefined || what === 'limit' ? [] : [limitText(group, limitPerSecond)]),
  ]
  return sentences.flatMap((sentence) => wrap(sentence, width, 2))
}

const because = (reason: string | undefined) => (reason === undefined ? '' : `: ${reason}`)

const limitText = (group: string, perSecond: number) =>
  `${group} starts at most ${some(perSecond, 'handler')} a second.`

function doneText(
  group: string,
  { what, eventType }: Changed,
  { before, state }: { before: ControlsState; state: ControlsState },
): string {
  const pauseIn = ({ paused, pausedTypes }: ControlsState) =>
    eventType === undefined ? paused : pausedTypes.find((type) => type.eventType === eventType)
  const name = eventType === undefined ? group : `${eventType} in ${group}`
  if (what === 'limit') {
    return state.limitPerSecond === undefined ? `${group} has no limit.` : limitText(group, state.limitPerSecond)
  }
  if (what === 'resume') {
    return pauseIn(before)
      ? `${name} goes on: consumers see it within a second.`
      : `${name} was not paused: nothing was changed.`
  }
  const pause = pauseIn(state)
  const why = because(pause?.reason)
  const old = pauseIn(before)
  if (old && old.since === pause?.since) {
    const isNew = old.reason !== pause.reason
    return `${name} is paused already, since ${moment(pause.since)}${isNew ? `. Its reason is now${why}` : why}.`
  }
  return `${name} is paused${why}. Running handlers finish; within a second none is started.`
}

/** Types that are told, at most. */
const TOLD = 10

export function unknownTypeText(eventType: string, known: readonly string[]): string {
  const more = known.length > TOLD ? ` and ${known.length - TOLD} more` : ''
  const types = known.length === 0 ? 'no type is' : `known are ${known.slice(0, TOLD).join(', ')}${more}`
  return `No event of type ${eventType} is known; ${types}.`
}
