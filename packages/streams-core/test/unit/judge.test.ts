import { expect, test } from 'vitest'
import { type Judged, judgeGroup } from '../../src/index.ts'

const group = (given: Partial<Judged>): Judged => ({
  ...{ lag: 0, pending: 0, waitingForRetry: 0, oldestUnhandledMs: 0, droppedUnread: 0, alive: 1, silentMs: 500 },
  ...{ paused: undefined, pausedTypes: [], limitPerSecond: undefined },
  ...given,
})
const since = '2026-11-03T20:00:00.000Z'
const aPaused = (setAside: number) => [{ eventType: 'a', since, reason: undefined, setAside }]
const LONG_MS = 600_000

test.each<[string, Partial<Judged>, state: string, why: RegExp | undefined]>([
  ['nothing to do', {}, 'idle', undefined],
  ['nothing to do, and nobody there', { alive: 0 }, 'idle', undefined],
  ['at work', { lag: 5, oldestUnhandledMs: 2_000 }, 'working', undefined],
  ['never anybody there', { lag: 5, alive: 0, silentMs: undefined }, 'no-consumer', /it never had one: start one/],
  ['all silent', { pending: 1, alive: 0, silentMs: 3_600_000 }, 'no-consumer', /for 1 h none has given a sign of life/],
  ['nobody there, and a type paused', { lag: 1, alive: 0, pausedTypes: aPaused(3) }, 'no-consumer', /for 500 ms/],
  ['all failing', { waitingForRetry: 7, oldestUnhandledMs: 90_000 }, 'retrying', /waits for a retry: 7 entries$/],
  [
    'one hangs',
    { pending: 1, oldestUnhandledMs: 90_000 },
    'slow',
    /^the oldest entry that it has not handled was published 1 min ago$/,
  ],
  [
    'an operator',
    { lag: 1, alive: 0, paused: { by: 'operator', since, reason: 'bank down' } },
    ...(['paused', /^paused by an operator, since 2026-11-03 20:00:00Z: bank down$/] as const),
  ],
  ['a circuit', { paused: { by: 'circuit', since, reason: undefined } }, 'circuit-open', /handlers fail, since .*Z$/],
  [
    'a paused type of which nothing is set aside, beside slow work',
    { lag: 1, oldestUnhandledMs: LONG_MS, pausedTypes: aPaused(0) },
    ...(['slow', / ago; paused event types: a \(0 entries set aside\)$/] as const),
  ],
  [
    'a paused type, for long, beside other work',
    { lag: 1, oldestUnhandledMs: LONG_MS, pausedTypes: aPaused(3) },
    ...(['partly-paused', /^paused event types: a \(3 entries set aside\)$/] as const),
  ],
  ['a paused type without events', { pausedTypes: aPaused(0) }, 'partly-paused', /a \(0 entries set aside\)/],
  [
    'something else that hangs beside a paused type without events',
    { pending: 1, oldestUnhandledMs: LONG_MS, pausedTypes: aPaused(0) },
    ...(['slow', /published 10 min ago/] as const),
  ],
  ['a limit that is seen', { lag: 3, limitPerSecond: 50 }, 'working', /^limited to 50 handler starts a second$/],
  ['a limit that holds it up', { lag: 3, limitPerSecond: 0.1, oldestUnhandledMs: LONG_MS }, 'limited', /0\.1 handler/],
  ['a limit that is not', { limitPerSecond: 50 }, 'idle', undefined],
  ['what was lost', { droppedUnread: 12 }, 'idle', /^12 entries dropped before the group had handled them/],
  [
    'what was lost, and a hanging handler',
    { droppedUnread: 1, pending: 1, oldestUnhandledMs: LONG_MS },
    ...(['slow', /published 10 min ago; 1 entry dropped/] as const),
  ],
])('which group is stuck, and why: %s', (_, given, state, why) => {
  const judged = judgeGroup(group(given))
  expect(judged.state).toBe(state)
  if (why) expect(judged.why).toMatch(why)
  else expect(judged.why).toBeUndefined()
})

test.each<[string, Partial<Judged>, number]>([
  ['all is well', { lag: 3 }, 0],
  ['at work, and limited', { lag: 3, limitPerSecond: 50 }, 1],
  ['idle, and entries were lost', { droppedUnread: 1 }, 1],
  ['paused', { paused: { by: 'operator', since, reason: undefined } }, 2],
  ['nobody there', { lag: 3, alive: 0 }, 2],
])('which group to look at first: %s', (_, given, urgency) => {
  expect(judgeGroup(group(given)).urgency).toBe(urgency)
})
