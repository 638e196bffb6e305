import type { FoundEvent } from '@redis-streams-processor/streams-core'
import { beforeEach, expect, test, vi } from 'vitest'
import { FollowUps } from '../../src/follow-ups.ts'

/** Of somebody who stays. */
const staying = () => new AbortController().signal
const ofId = (id: string) => ({ asOf: id }) as FoundEvent

/** What is looked up ends when it is told to. */
function lookups() {
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const wake = vi.fn()
  const followUps = new FollowUps(wake)
  const follow = (id: string, leaving = staying()) =>
    followUps.of(id, leaving, (stop) => {
      begun.push(id)
      return new Promise((resolve, reject) => {
        ends.set(id, () => resolve(ofId(id)))
        stop.addEventListener('abort', () => reject(stop.reason))
      })
    })
  /** Ends what is under way, and lets everybody know. */
  const end = async (id: string) => {
    await vi.advanceTimersByTimeAsync(0)
    ends.get(id)?.()
    await vi.advanceTimersByTimeAsync(0)
  }
  return { followUps, follow, begun, wake, end }
}

beforeEach(() => {
  vi.useFakeTimers()
  return () => {
    vi.useRealTimers()
  }
})

test('each turn looks up one event, the one that has waited longest', async () => {
  const { followUps, follow, begun, wake, end } = lookups()
  expect(followUps.begin()).toBe(false)
  const [a, b] = [follow('a'), follow('b')]
  expect(wake).toHaveBeenCalledTimes(2)
  expect(followUps.begin()).toBe(true)
  // One is under way.
  expect(followUps.begin()).toBe(false)
  await end('a')
  expect(await a).toEqual(ofId('a'))
  expect(followUps.begin()).toBe(true)
  await end('b')
  expect(await b).toEqual(ofId('b'))
  expect(begun).toEqual(['a', 'b'])
  expect(followUps.isWaitedFor).toBe(false)
})

test('who follows the same event shares an answer, for two and a half seconds', async () => {
  const { followUps, follow, begun, end } = lookups()
  const answers = [follow('a'), follow('a')]
  followUps.begin()
  answers.push(follow('a'))
  await end('a')
  await vi.advanceTimersByTimeAsync(2_400)
  answers.push(follow('a'))
  expect(await Promise.all(answers)).toHaveLength(4)
  expect(begun).toEqual(['a'])
  await vi.advanceTimersByTimeAsync(200)
  const later = follow('a')
  followUps.begin()
  await end('a')
  await later
  expect(begun).toEqual(['a', 'a'])
})

test('what takes long is followed by a rest of nine times as long', async () => {
  const { followUps, follow, end } = lookups()
  follow('a')
  follow('b')
  followUps.begin()
  await vi.advanceTimersByTimeAsync(1_000)
  await end('a')
  await vi.advanceTimersByTimeAsync(8_900)
  expect(followUps.begin()).toBe(false)
  await vi.advanceTimersByTimeAsync(200)
  expect(followUps.begin()).toBe(true)
})

test('what everybody has left is given up, before its turn and in it; who stays gets the answer', async () => {
  const { followUps, follow, begun, end } = lookups()
  const [one, other] = [new AbortController(), new AbortController()]
  const [left, waits, stays] = [follow('a', one.signal), follow('b', one.signal), follow('b')]
  const ends = Promise.allSettled([left, waits])
  one.abort(new Error('gone'))
  expect(await ends).toMatchObject([{ reason: { message: 'gone' } }, { reason: { message: 'gone' } }])
  expect(followUps.begin()).toBe(true)
  await end('b')
  expect(await stays).toEqual(ofId('b'))
  expect(begun).toEqual(['b'])

  const given = follow('c', other.signal)
  followUps.begin()
  await vi.advanceTimersByTimeAsync(0)
  other.abort(new Error('gone, too'))
  await expect(given).rejects.toThrow('gone, too')
  // Its place is free: who asks now does not share what was given up.
  const anew = follow('c')
  await vi.advanceTimersByTimeAsync(0)
  expect(followUps.begin()).toBe(true)
  await end('c')
  expect(await anew).toEqual(ofId('c'))
})

test('why there is no answer is told to everybody, and the next one asks again', async () => {
  const followUps = new FollowUps(() => {})
  const fail = () => followUps.of('a', staying(), () => Promise.reject(new Error('Redis is away')))
  const both = Promise.allSettled([fail(), fail()])
  followUps.begin()
  expect(await both).toMatchObject([{ reason: { message: 'Redis is away' } }, { reason: { message: 'Redis is away' } }])
  await vi.advanceTimersByTimeAsync(0)
  const next = followUps.of('a', staying(), async () => ofId('a'))
  followUps.begin()
  expect(await next).toEqual(ofId('a'))
})

test('when too many events wait, the next one is refused; one that waits already is not', async () => {
  const { followUps, follow } = lookups()
  for (let n = 0; n < 100; n += 1) follow(`event-${n}`)
  await expect(follow('one too many')).rejects.toMatchObject({ statusCode: 503 })
  follow('event-0')
  expect(followUps.isWaitedFor).toBe(true)
})
