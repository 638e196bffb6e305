import { describe, expect } from 'vitest'
import { z } from 'zod'
import { createConsumer, defineStream, reject } from '../../src/index.ts'
import { foreignEntry, range } from '../support/events.ts'
import { GROUP, type Lab, test } from '../support/lab.ts'

/** A consumer of the group `failing`, whose handlers fail until they are mended. */
async function startFailing(lab: Lab) {
  let isBroken = true
  const failing = await lab.consumer({
    group: 'failing',
    retry: { maxDeliveries: 1 },
    handlers: {
      counted: () => {
        if (isBroken) throw new Error('broken')
      },
    },
  })
  const mend = () => {
    isBroken = false
  }
  return { failing, mend }
}

describe('G14: redrive hits only the group that failed', () => {
  test('the others acknowledge the redriven entry unrun', async ({ lab }) => {
    const { failing, mend } = await startFailing(lab)
    const other = await lab.consumer({ group: 'other' })
    const producer = lab.producer()
    await Promise.all(range(10).map((n) => producer.publish('counted', { n }, { id: `e${n}` })))
    await failing.reports.until(
      'the failing consumer dead-letters 10 events',
      (reports) => reports.settled('dead-letter').length === 10,
    )
    await other.reports.until(
      'the other consumer acknowledges 10 events',
      (reports) => reports.settled('ack').length === 10,
    )
    mend()

    const letters = lab.openDeadLetters('failing')
    expect(await letters.redrive({ dryRun: true })).toMatchObject({ redriven: 10, skipped: 0 })
    expect(await letters.count()).toBe(10)
    expect(await letters.redrive()).toMatchObject({ redriven: 10, skipped: 0 })
    expect(await letters.count()).toBe(0)
    await failing.reports.until(
      'the failing consumer acknowledges 10 events',
      (reports) => reports.settled('ack').length === 10,
    )
    await other.reports.until(
      'the other consumer acknowledges 20 events',
      (reports) => reports.settled('ack').length === 20,
    )
    expect(
      failing.reports
        .settled('ack')
        .map(({ eventId }) => eventId)
        .sort(),
    ).toEqual(range(10).map((n) => `e${n}`))
    expect(
      other.reports
        .settled()
        .slice(10)
        .map(({ result }) => result),
    ).toEqual(range(10).map(() => 'not-ours'))
  })

  test('the others do not run its schema either, which may be what killed their processes', async ({ lab }) => {
    let checks = 0
    const n = z.int().refine(() => {
      checks += 1
      return true
    })
    const results: string[] = []
    const stopping = new AbortController()
    const other = createConsumer(defineStream(lab.streamName, { counted: z.object({ n }) }), {
      ...{ redis: lab.as('consumer'), group: 'other', handlers: { counted() {} } },
      onReport: (report) => void (report.kind === 'settled' && results.push(report.result)),
    }).run({ signal: stopping.signal })
    const { failing, mend } = await startFailing(lab)
    await lab.producer().publish('counted', { n: 1 })
    await failing.reports.until('the event is dead', (reports) => reports.settled('dead-letter').length === 1)
    await lab.until('the other group has handled it', () => results.length === 1)
    mend()
    await lab.openDeadLetters('failing').redrive()
    await failing.reports.until('it is handled', (reports) => reports.settled('ack').length === 1)
    await lab.until('the other group has seen it again', () => results.length === 2)
    expect(results).toEqual(['returned', 'not-ours'])
    expect(checks).toBe(1)
    stopping.abort()
    await other
  })

  test('a malformed letter that is redriven disturbs the other groups no more than any', async ({ lab }) => {
    const failing = await lab.consumer({ group: 'failing' })
    const other = await lab.consumer({ group: 'other' })
    await lab.send('XADD', lab.streamName, '*', 'hello', 'world')
    await failing.reports.until(
      'the failing consumer dead-letters an event',
      (reports) => reports.settled('dead-letter').length === 1,
    )
    await other.reports.until(
      'the other consumer dead-letters an event',
      (reports) => reports.settled('dead-letter').length === 1,
    )
    await lab.openDeadLetters('failing').redrive()
    await failing.reports.until(
      'the failing consumer dead-letters 2 events',
      (reports) => reports.settled('dead-letter').length === 2,
    )
    await other.reports.until(
      'the other consumer acknowledges an event',
      (reports) => reports.settled('ack').length === 1,
    )
    expect(await lab.deadLetters('other')).toHaveLength(1)
    expect(await lab.deadLetters('failing')).toMatchObject([{ reason: 'malformed', redrives: 1 }])
  })

  test('a letter that dies again counts its redrives, and is not redriven unless asked for', async ({ lab }) => {
    const consumer = await lab.consumer({
      retry: { maxDeliveries: 1 },
      handlers: {
        counted: () => {
          throw new Error('for ever')
        },
      },
    })
    await lab.producer().publish('counted', { n: 1 }, { id: 'stubborn' })
    await consumer.reports.until(
      'the consumer dead-letters an event',
      (reports) => reports.settled('dead-letter').length === 1,
    )
    const letters = lab.openDeadLetters()
    await letters.redrive()
    await consumer.reports.until(
      'the consumer dead-letters 2 events',
      (reports) => reports.settled('dead-letter').length === 2,
    )
    expect(await lab.deadLetters()).toMatchObject([{ eventId: 'stubborn', redrives: 1 }])
    expect(await letters.redrive()).toMatchObject({ redriven: 0, skipped: 1, unreadable: 0 })
    expect(await letters.redrive({ again: true })).toMatchObject({ redriven: 1, skipped: 0 })
    await consumer.reports.until(
      'the consumer dead-letters 3 events',
      (reports) => reports.settled('dead-letter').length === 3,
    )
    expect(await lab.deadLetters()).toMatchObject([{ redrives: 2 }])
  })

  test('list, get and purge take filters; purge wants a confirmation', async ({ lab }) => {
    const consumer = await lab.consumer({
      retry: { maxDeliveries: 1 },
      handlers: {
        counted: () => {
          throw new Error('no')
        },
      },
    })
    const producer = lab.producer()
    await Promise.all(range(3).map((n) => producer.publish('counted', { n })))
    await lab.send('XADD', lab.streamName, '*', 'hello', 'world')
    await consumer.reports.until(
      'the consumer dead-letters 4 events',
      (reports) => reports.settled('dead-letter').length === 4,
    )
    const letters = lab.openDeadLetters()
    const listed = async (filter: object) => {
      const found = []
      for await (const letter of letters.list(filter)) found.push(letter)
      return found
    }
    expect(await listed({ reason: 'malformed' })).toHaveLength(1)
    expect(await listed({ eventType: 'counted' })).toHaveLength(3)
    expect(await listed({ olderThanMs: 3_600_000 })).toHaveLength(0)
    expect(await listed({ youngerThanMs: 3_600_000 })).toHaveLength(4)
    const [first] = await listed({ eventType: 'counted' })
    expect(await letters.get(first?.letterId ?? '')).toEqual(first)
    expect(first?.history).toMatchObject([{ attempt: 1, error: 'no', consumer: consumer.name }])
    expect(await letters.get('1-1')).toBeUndefined()
    await expect(letters.purge({ confirm: 'wrong' })).rejects.toThrow("the group's name group_1, got wrong")
    expect(await letters.purge({ confirm: 'group_1', reason: 'malformed' })).toMatchObject({ purged: 1 })
    expect(await letters.count()).toBe(3)
  })

  test('redrive takes filters and a rate, and a dry run moves nothing', async ({ lab }) => {
    const failing = await lab.consumer({
      handlers: { counted: () => reject('no'), noted: () => reject('never') },
    })
    const producer = lab.producer()
    await Promise.all(range(10).map((n) => producer.publish('counted', { n })))
    await producer.publish('noted', { text: 'stays' })
    await failing.reports.until(
      'the failing consumer dead-letters 11 events',
      (reports) => reports.settled('dead-letter').length === 11,
    )
    await failing.stop()
    const letters = lab.openDeadLetters()
    expect(await letters.redrive({ reason: 'exhausted' })).toMatchObject({ redriven: 0, skipped: 0 })
    expect(await letters.redrive({ dryRun: true })).toMatchObject({ redriven: 11, skipped: 0 })
    expect(await lab.group()).toMatchObject({ lag: 0, deadLetters: 11 })
    const startedAt = Date.now()
    expect(await letters.redrive({ eventType: 'counted', maxPerSecond: 20 })).toMatchObject({
      redriven: 10,
      skipped: 0,
    })
    // Ten of them, 50 ms apart: a slow machine can only make it longer.
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(440)
    expect(await lab.group()).toMatchObject({ lag: 10, deadLetters: 1 })
  })

  test('events that die again while a redrive runs do not make the redrive endless', async ({ lab }) => {
    const consumer = await lab.consumer({ concurrency: 200, handlers: { counted: () => reject('no') } })
    const producer = lab.producer()
    await Promise.all(range(300).map((n) => producer.publish('counted', { n })))
    await consumer.reports.until(
      'the consumer dead-letters 300 events',
      (reports) => reports.settled('dead-letter').length === 300,
    )
    const letters = lab.openDeadLetters()
    expect(await letters.redrive({ again: true })).toMatchObject({ redriven: 300, skipped: 0 })
    await consumer.reports.until(
      'the consumer dead-letters 600 events',
      (reports) => reports.settled('dead-letter').length === 600,
    )
    expect(await letters.count()).toBe(300)
  })

  test('two redrives at the same time move each letter once', async ({ lab }) => {
    const consumer = await lab.consumer({
      retry: { maxDeliveries: 1 },
      handlers: { counted: () => Promise.reject(new Error('no')) },
    })
    const producer = lab.producer()
    await Promise.all(range(50).map((n) => producer.publish('counted', { n })))
    await consumer.reports.until(
      'the consumer dead-letters 50 events',
      (reports) => reports.settled('dead-letter').length === 50,
    )
    await consumer.stop()
    const [one, other] = [lab.openDeadLetters(), lab.openDeadLetters()]
    const results = await Promise.all([one.redrive(), other.redrive()])
    expect(results.reduce((sum, { redriven }) => sum + redriven, 0)).toBe(50)
    expect(await lab.group()).toMatchObject({ lag: 50, deadLetters: 0 })
  })

  test.for(['1.5', 'Infinity', '1e300', '-1', 'often'])(
    'a foreign entry that says it was redriven %s times stands in the way of nothing',
    async (redrives, { lab }) => {
      const consumer = await lab.consumer()
      await lab.send('XADD', lab.streamName, '*', 'hello', 'world', 'redrivefor', GROUP, 'redrives', redrives)
      await consumer.reports.until(
        'the consumer dead-letters the entry',
        (reports) => reports.settled('dead-letter').length === 1,
      )
      expect(await lab.deadLetters()).toMatchObject([{ reason: 'malformed', redrives: 0 }])
      const letters = lab.openDeadLetters()
      expect(await letters.redrive({ dryRun: true })).toMatchObject({ redriven: 1, skipped: 0 })
      expect(await letters.purge({ confirm: GROUP })).toMatchObject({ purged: 1 })
    },
  )

  test('an odd letter is listed, and stands in the way of nothing', async ({ lab }) => {
    const dead = `{${lab.streamName}}:group_1:dead`
    const NANOSECONDS = '1764043200123456789-0'
    const consumer = await lab.consumer({ retry: { maxDeliveries: 1 }, handlers: { counted: () => reject('no') } })
    const odd = await lab.send<string>('XADD', dead, '*', 'note', 'x')
    const broken = await lab.send<string>('XADD', dead, '*', 'letter', '{"entryId":5}', 'history', '')
    await lab.producer().publish('counted', { n: 1 })
    await lab.send('XADD', lab.streamName, NANOSECONDS, ...foreignEntry({ id: 'from the future' }))
    await consumer.reports.until(
      'the consumer dead-letters 2 events',
      (reports) => reports.settled('dead-letter').length === 2,
    )
    await consumer.stop()

    expect(await lab.deadLetters()).toMatchObject([
      { letterId: odd, reason: 'unreadable', fields: ['note', 'x'] },
      { letterId: broken, reason: 'unreadable', fields: ['letter', '{"entryId":5}', 'history', ''] },
      { eventType: 'counted', reason: 'rejected' },
      { eventId: 'from the future', entryId: NANOSECONDS, publishedAt: undefined },
    ])
    const letters = lab.openDeadLetters()
    expect(await letters.redrive({ dryRun: true })).toMatchObject({ redriven: 2, skipped: 2, unreadable: 2 })
    await expect(letters.redriveOne(odd)).rejects.toMatchObject({ code: 'UNREADABLE_LETTER' })
    expect(await letters.get(broken)).toMatchObject({ reason: 'unreadable' })
    expect(await letters.purge({ confirm: 'group_1', reason: 'unreadable' })).toMatchObject({ purged: 2 })
    expect(await letters.count()).toBe(2)
    expect(await letters.purge({ confirm: 'group_1' })).toMatchObject({ purged: 2 })
  })
})
