import type { DeadLetter, FailedDelivery } from '@redis-streams-processor/streams-core'
import { payloadLines } from './payload.ts'
import { wrap } from './text.ts'
import { moment, some } from './words.ts'

/** Names and values, one a line; long values go on below. */
export function properties(pairs: readonly (readonly [name: string, value: string])[], width: number): string[] {
  const room = Math.max(...pairs.map(([name]) => name.length))
  return pairs.flatMap(([name, value]) => wrap(`${name.padEnd(room)}  ${value}`, width, room + 2))
}

export function letterLines(letter: DeadLetter, width: number, hasPayload: boolean): string[] {
  const { letterId, eventId, eventType, group, reason, error, deliveries, redrives, entryId, diedAt, consumer } = letter
  const redriven = redrives > 0 ? `, redriven ${some(redrives, 'time')} before` : ''
  const lines = properties(
    [
      ['letter', `${letterId} of ${group}`],
      ['event', `${eventId ?? '(no id)'}, ${eventType ?? '(no type)'}`],
      ['reason', reason],
      ['error', error],
      [
        'died',
        `${moment(diedAt)}, after ${some(deliveries, 'delivery', 'deliveries')}${redriven}${consumer ? `, at ${consumer}` : ''}`,
      ],
      ['entry', `${entryId || '(unknown)'}, published ${moment(letter.publishedAt)}`],
    ],
    width,
  )
  const payload = hasPayload ? ['', ...payloadLines(letter.fields, width)] : []
  return [...lines, ...historyLines(letter.history, width), ...payload]
}

/** The errors of deliveries, oldest first. */
export function historyLines(history: readonly FailedDelivery[], width: number): string[] {
  return history.flatMap(({ attempt, at, consumer, error }) =>
    wrap(`delivery ${attempt}, ${moment(at)}, at ${consumer}: ${error}`, width - 2, 2).map((line) => `  ${line}`),
  )
}
