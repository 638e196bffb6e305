import { until } from '@redis-streams-processor/testbed'
import { describe, expect } from 'vitest'
import { type TailEntry, type TailOptions, tailStream } from '../../src/index.ts'
import { foreignEntry, range } from '../support/events.ts'
import { type Lab, test } from '../support/lab.ts'

/** A tail that is read into a list until the test is over. */
function startTail(lab: Lab, options: TailOptions = {}) {
  const seen: TailEntry[] = []
  const stopping = new AbortController()
  const redis = lab.as('operator')
  const read = async () => {
    for await (const entry of tailStream({ name: lab.streamName }, { redis, signal: stopping.signal, ...options }))
      seen.push(entry)
  }
  const done = read()
  done.catch(() => {})
  const stop = async () => {
    stopping.abort()
    await done
  }
  lab.onClose(() => stop().catch(() => {}))
  const saw = (count: number) =>
    until(`the tail shows ${count} entries`, () => seen.length >= count, { timeoutMs: 10_000 })
  return { seen, done, stop, saw }
}

describe('tailStream', () => {
  test('shows the newest entries and then each that is appended, once, in order', async ({ lab }) => {
    const producer = lab.producer()
    for (const n of range(5)) await producer.publish('counted', { n }, { id: `old-${n}` })
    const tail = startTail(lab, { last: 2 })
    await tail.saw(2)
    await Promise.all(
      range(1_200).map((n) => producer.publish('counted', { n }, { id: `new-${n}`, subject: 'user_1' })),
    )
    await tail.saw(1_202)
    await tail.stop()
    const expected = ['old-3', 'old-4', ...range(1_200).map((n) => `new-${n}`)]
    expect(tail.seen.map(({ eventId }) => eventId)).toEqual(expected)
    expect(tail.seen.at(-1)).toMatchObject({ eventType: 'counted', subject: 'user_1', redrivenFor: undefined })
  })

  test('begins with what is appended from now on, also where there is no stream yet', async ({ lab }) => {
    const tail = startTail(lab)
    // Nothing tells that the tail waits: publish until it shows something.
    const producer = lab.producer()
    await lab.until('the tail shows an entry', async () => {
      await producer.publish('counted', { n: 1 })
      return tail.seen.length > 0
    })
    await tail.stop()
  })

  test('shows entries that are no events, and touches no group', async ({ lab }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, 'other', '0', 'MKSTREAM')
    await lab.send('XADD', lab.streamName, '*', ...foreignEntry({ redrivefor: 'other', redrives: '1' }))
    await lab.send('XADD', lab.streamName, '*', 'a', 'b')
    const tail = startTail(lab, { last: 10 })
    await tail.saw(2)
    await tail.stop()
    expect(tail.seen[0]).toMatchObject({ redrivenFor: 'other' })
    expect(tail.seen[1]).toMatchObject({ eventId: undefined, eventType: undefined, fields: ['a', 'b'] })
    expect(await lab.group('other')).toMatchObject({ lag: 2, pending: 0, consumers: [] })
  })

  test('goes on where it was after an outage, and tells of it once', async ({ lab: shared }) => {
    const { redis, lab } = await shared.ownRedis(['--appendfsync', 'always'])
    const problems: boolean[] = []
    const tail = startTail(lab, { last: 1, onProblem: (problem) => problems.push(problem !== undefined) })
    await lab.producer().publish('counted', { n: 1 }, { id: 'before' })
    await tail.saw(1)
    await redis.restart()
    await lab.producer().publish('counted', { n: 2 }, { id: 'after' })
    await tail.saw(2)
    await tail.stop()
    expect(tail.seen.map(({ eventId }) => eventId)).toEqual(['before', 'after'])
    expect(problems).toEqual([true, false])
  })

  test('a Redis that is away or refuses is an error', async ({ lab }) => {
    const away = tailStream({ name: lab.streamName }, { redis: 'redis://127.0.0.1:1', timeoutMs: 100 })
    await expect(away.next()).rejects.toMatchObject({ code: 'REDIS_UNAVAILABLE' })
    await lab.send('SET', lab.streamName, 'text')
    const refused = tailStream({ name: lab.streamName }, { redis: lab.as('operator') })
    await expect(refused.next()).rejects.toMatchObject({ code: 'REDIS_REFUSED' })
    await lab.send('DEL', lab.streamName)
  })
})
