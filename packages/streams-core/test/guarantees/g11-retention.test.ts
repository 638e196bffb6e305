import { describe, expect } from 'vitest'
import { StreamFullError, trimStream } from '../../src/index.ts'
import { foreignEntry, range } from '../support/events.ts'
import { GROUP, type Lab, test } from '../support/lab.ts'
import { latch } from '../support/latch.ts'

describe('G11: retention never drops what some group has not acknowledged', () => {
  test('what every group has acknowledged goes; what one still needs stays', async ({ lab }) => {
    const gate = latch()
    const producer = lab.producer()
    const fast = await lab.consumer({ group: 'fast' })
    const slow = await lab.consumer({
      group: 'slow',
      concurrency: 1,
      maxBuffered: 0,
      handlers: { counted: ({ data }) => (data.n === 1_000 ? gate.promise : undefined) },
    })
    await Promise.all(range(2_500).map((n) => producer.publish('counted', { n })))
    await fast.reports.until(
      'the fast consumer acknowledges 2,500 events',
      (reports) => reports.settled('ack').length === 2_500,
    )
    await slow.reports.until(
      'the slow consumer acknowledges 1,000 events',
      (reports) => reports.settled('ack').length === 1_000,
    )

    // Slow works on number 1,000: at most the node that it is in may stay of what lies before.
    await lab.until('the first thousand entries are trimmed', async () => (await lab.inspect()).length <= 1_600)
    const oldest = await lab.send<[string, string[]][]>('XRANGE', lab.streamName, '-', '+', 'COUNT', 1)
    const blocked = await lab.send<[string, string, number, number][]>('XPENDING', lab.streamName, 'slow', '-', '+', 1)
    expect(String(oldest[0]?.[0]) <= String(blocked[0]?.[0])).toBe(true)
    expect((await lab.inspect()).length).toBeGreaterThanOrEqual(1_500)

    gate.resolve()
    await slow.reports.until(
      'the slow consumer acknowledges 2,500 events',
      (reports) => reports.settled('ack').length === 2_500,
    )
    await lab.until('the rest is trimmed', async () => (await lab.inspect()).length < 200)
  })

  test('a group that must exist holds everything until it does', async ({ lab }) => {
    const retention = { groups: [GROUP, 'later'] }
    const consumer = await lab.consumer({}, retention)
    const producer = lab.producer({}, retention)
    await Promise.all(range(500).map((n) => producer.publish('counted', { n })))
    await consumer.reports.until(
      'the consumer acknowledges 500 events',
      (reports) => reports.settled('ack').length === 500,
    )
    // The marks are stored by the janitor: it has looked, and left everything.
    await lab.until(
      'the janitor has looked',
      async () => (await lab.send('HEXISTS', `{${lab.streamName}}:marks`, GROUP)) === 1,
    )
    expect((await lab.inspect()).length).toBe(500)
    const later = await lab.consumer({ group: 'later' }, retention)
    await later.reports.until(
      'the later consumer acknowledges 500 events',
      (reports) => reports.settled('ack').length === 500,
    )
    await lab.until('the rest is trimmed', async () => (await lab.inspect()).length < 200)
  })

  test('keepAtLeast keeps the newest entries, to be read again', async ({ lab }) => {
    const retention = { keepAtLeast: 300 }
    const consumer = await lab.consumer({}, retention)
    const producer = lab.producer({}, retention)
    await Promise.all(range(1_000).map((n) => producer.publish('counted', { n })))
    await consumer.reports.until(
      'the consumer acknowledges 1,000 events',
      (reports) => reports.settled('ack').length === 1_000,
    )
    await consumer.reports.until('the consumer trims', (reports) => reports.of('trimmed').length > 0)
    const { length } = await lab.inspect()
    expect(length).toBeGreaterThanOrEqual(300)
    expect(length).toBeLessThan(500)
  })

  test('at the cap the publisher is told, nothing is dropped, and publishing goes on once there is room', async ({
    lab,
  }) => {
    const retention = { maxLength: 50 }
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const producer = lab.producer({}, retention)
    await Promise.all(range(50).map((n) => producer.publish('counted', { n })))
    const error = await producer.publish('counted', { n: 50 }).catch((error) => error)
    expect(error).toBeInstanceOf(StreamFullError)
    expect(error).toMatchObject({ code: 'STREAM_FULL', length: 50, maxLength: 50 })
    expect((await lab.inspect()).length).toBe(50)

    const consumer = await lab.consumer({}, retention)
    await consumer.reports.until(
      'the consumer acknowledges 50 events',
      (reports) => reports.settled('ack').length === 50,
    )
    await expect(producer.publish('counted', { n: 50 })).resolves.toMatchObject({ duplicate: false })
    await consumer.reports.until(
      'the consumer acknowledges 51 events',
      (reports) => reports.settled('ack').length === 51,
    )
  })

  test('with keepAtLeast close to the cap, publishing goes on', async ({ lab }) => {
    const retention = { maxLength: 50, keepAtLeast: 45 }
    const consumer = await lab.consumer({}, retention)
    const producer = lab.producer({}, retention)
    for (let n = 0; n < 100; n += 5) {
      await Promise.all(range(5).map((i) => producer.publish('counted', { n: n + i })))
      await consumer.reports.until(
        'the consumer acknowledges all events',
        (reports) => reports.settled('ack').length === n + 5,
      )
    }
    expect((await lab.inspect()).length).toBeGreaterThanOrEqual(45)
  })

  test('a cap far below the lag of a group drops nothing', async ({ lab }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const uncapped = lab.producer()
    await Promise.all(range(5_000).map((n) => uncapped.publish('counted', { n })))
    const capped = lab.producer({}, { maxLength: 1_000 })
    await expect(capped.publish('counted', { n: -1 })).rejects.toMatchObject({ length: 5_000, maxLength: 1_000 })
    expect(await lab.group()).toMatchObject({ lag: 5_000 })
    await lab.send('XGROUP', 'DESTROY', lab.streamName, GROUP)
  })

  test('without any group nothing is trimmed', async ({ lab }) => {
    const producer = lab.producer({}, { maxLength: 10 })
    await Promise.all(range(10).map((n) => producer.publish('counted', { n })))
    await expect(producer.publish('counted', { n: 10 })).rejects.toThrow(StreamFullError)
    expect((await lab.inspect()).length).toBe(10)
  })

  test('maxlen, the explicit lossy choice, counts exactly what it dropped unacknowledged', async ({ lab }) => {
    const retention = { policy: 'maxlen', maxLength: 100 } as const
    await lab.send('XGROUP', 'CREATE', lab.streamName, 'reader', '0', 'MKSTREAM')
    await lab.send('XGROUP', 'CREATE', lab.streamName, 'nobody', '0')
    const producer = lab.producer({}, retention)
    await Promise.all(range(90).map((n) => producer.publish('counted', { n })))
    // Of the reader's first 40, ten stay pending.
    const reply = await lab.send<[string, [string][]][]>(
      'XREADGROUP',
      'GROUP',
      'reader',
      'r',
      'COUNT',
      40,
      'STREAMS',
      lab.streamName,
      '>',
    )
    const ids = (reply[0]?.[1] ?? []).map(([id]) => id)
    await lab.send('XACK', lab.streamName, 'reader', ...ids.slice(10))
    for (const n of range(150)) await producer.publish('counted', { n: 90 + n })

    const { length, groups } = await lab.inspect()
    expect(length).toBeLessThan(200)
    const dropped = 240 - length
    expect(groups.find(({ group }) => group === 'nobody')?.droppedUnread).toBe(dropped)
    expect(groups.find(({ group }) => group === 'reader')?.droppedUnread).toBe(dropped - 30)
    const late = await lab.consumer({ group: 'nobody' }, retention)
    await late.reports.until(
      'the late consumer tells of what was dropped',
      (reports) => reports.of('dropped-unread').length === 2,
    )
    expect(late.reports.of('dropped-unread')).toContainEqual({
      kind: 'dropped-unread',
      group: 'nobody',
      total: dropped,
    })
    await late.reports.until(
      'the late consumer acknowledges all events',
      (reports) => reports.settled('ack').length === length,
    )
    // What was dropped is nobody's any more: it does not stay pending without a body.
    expect(groups.find(({ group }) => group === 'reader')?.pending).toBe(0)
  })

  test('maxlen shortens a stream that is far too long by a thousand entries a publish', async ({ lab }) => {
    const uncapped = lab.producer()
    await Promise.all(range(2_500).map((n) => uncapped.publish('counted', { n })))
    const capped = lab.producer({}, { policy: 'maxlen', maxLength: 100 })
    const lengths: number[] = []
    for (const n of range(4)) {
      await capped.publish('counted', { n: 2_500 + n })
      lengths.push((await lab.inspect()).length)
    }
    expect(lengths).toEqual([1_501, 502, 100, 101])
  })

  describe('keepForMs keeps what every group has acknowledged', () => {
    const HOUR_MS = 3_600_000
    const retention = { keepForMs: HOUR_MS }

    /** Entries whose ids say that they were appended so long ago. */
    async function appendOld(lab: Lab, count: number, agoMs: number) {
      for (const n of range(count)) {
        await lab.send('XADD', lab.streamName, `${Date.now() - agoMs + n}-0`, ...foreignEntry({ id: `old ${n}` }))
      }
    }

    test('for that long, by the time in the entry id, whichever groups there are', async ({ lab }) => {
      await appendOld(lab, 300, 2 * HOUR_MS)
      await appendOld(lab, 150, HOUR_MS / 2)
      const [fast, slow] = [await lab.consumer({ group: 'fast' }, retention), 'slow']
      await fast.reports.until('the fast group acknowledges all', (reports) => reports.settled().length === 450)
      await lab.send('XGROUP', 'CREATE', lab.streamName, slow, '0')
      await lab.until('the janitor has looked', async () => lab.send('HGET', `{${lab.streamName}}:marks`, slow))
      expect((await lab.inspect()).length).toBe(450)
      await lab.consumer({ group: slow }, retention)
      await lab.until('what is older goes', async () => (await lab.inspect()).length < 250)
      // Redis trims whole nodes of 100 entries.
      expect((await lab.inspect()).length).toBeGreaterThanOrEqual(150)
      const trimmed = await trimStream({ name: lab.streamName }, { redis: lab.as('operator'), retention })
      expect(trimmed).toMatchObject({ length: 150, heldBack: { by: 'keepForMs' } })
    })

    test('at the cap a publish shortens that time by as little as it can', async ({ lab }) => {
      const capped = { ...retention, maxLength: 500 }
      const consumer = await lab.consumer({}, capped)
      const producer = lab.producer({ maxBatch: 1 }, capped)
      for (let n = 0; n < 700; n += 50) {
        await Promise.all(range(50).map((i) => producer.publish('counted', { n: n + i })))
        await consumer.reports.until('all are acknowledged', (reports) => reports.settled('ack').length === n + 50)
        if (n + 50 >= 500) expect((await lab.inspect()).length).toBeGreaterThanOrEqual(495)
      }
      expect((await lab.inspect()).length).toBeLessThanOrEqual(500)
    })

    test('at the cap a batch makes room for all of its events', async ({ lab }) => {
      const capped = { ...retention, maxLength: 50, keepAtLeast: 20 }
      const consumer = await lab.consumer({}, capped)
      const producer = lab.producer({}, capped)
      for (const round of range(5)) {
        await Promise.all(range(30).map((n) => producer.publish('counted', { n })))
        await consumer.reports.until(
          'all are acknowledged',
          (reports) => reports.settled('ack').length === 30 * (round + 1),
        )
      }
      expect((await lab.inspect()).length).toBe(50)
    })

    test('at the cap a batch makes no room for events that are not appended', async ({ lab }) => {
      const capped = { ...retention, maxLength: 50 }
      const consumer = await lab.consumer({}, capped)
      const producer = lab.producer({}, capped)
      const publish = (ids: number[]) =>
        Promise.all(ids.map((n) => producer.publish('counted', { n }, { id: `e${n}` })))
      await publish(range(50))
      await consumer.reports.until('all are acknowledged', (reports) => reports.settled('ack').length === 50)
      // Of one batch, 40 have been appended long ago, and 9 are the same event as the first.
      const published = await publish([50, ...range(40), ...range(9).map(() => 50)])
      expect(published.filter(({ duplicate }) => duplicate)).toHaveLength(49)
      expect((await lab.inspect()).length).toBe(50)
    })

    test('at the cap nothing goes that a group has not acknowledged', async ({ lab }) => {
      const capped = { ...retention, maxLength: 50 }
      const consumer = await lab.consumer({}, capped)
      const producer = lab.producer({}, capped)
      await Promise.all(range(20).map((n) => producer.publish('counted', { n })))
      await consumer.reports.until('20 are acknowledged', (reports) => reports.settled('ack').length === 20)
      await consumer.stop()
      const published = await Promise.allSettled(range(60).map((n) => producer.publish('counted', { n })))
      // The last one that was acknowledged stays: what comes after it is needed.
      expect(published.filter(({ status }) => status === 'fulfilled')).toHaveLength(49)
      expect(await lab.inspect()).toMatchObject({ length: 50, groups: [{ lag: 49 }] })
    })
  })

  test('a group that has not moved is named in a warning', async ({ lab }) => {
    const retention = { warnAfterMs: 1_000 }
    await lab.send('XGROUP', 'CREATE', lab.streamName, 'forgotten', '0', 'MKSTREAM')
    const consumer = await lab.consumer({}, retention)
    await lab.producer().publish('counted', { n: 1 })
    await consumer.reports.until(
      'the consumer warns of a group that is behind',
      (reports) => reports.of('group-behind').length > 0,
    )
    expect(consumer.reports.of('group-behind').map(({ group }) => group)).toEqual(['forgotten'])
  })
})
