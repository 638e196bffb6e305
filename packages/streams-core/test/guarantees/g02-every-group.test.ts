import { describe, expect } from 'vitest'
import { range } from '../support/events.ts'
import { GROUP, Lab, test } from '../support/lab.ts'
import { latch } from '../support/latch.ts'

describe('G2: every group sees every event', () => {
  test('independently of the others', async ({ lab }) => {
    const seen = { billing: new Set<number>(), analytics: new Set<number>() }
    const gate = latch()
    const analytics = await lab.consumer({
      group: 'analytics',
      handlers: { counted: ({ data }) => void seen.analytics.add(data.n) },
    })
    const billing = await lab.consumer({
      group: 'billing',
      handlers: {
        counted: async ({ data }) => {
          await gate.promise
          seen.billing.add(data.n)
        },
      },
    })
    const producer = lab.producer()
    await Promise.all(range(200).map((n) => producer.publish('counted', { n })))

    // Billing stands still, and analytics has them all.
    await analytics.reports.until(
      'analytics acknowledges 200 events',
      (reports) => reports.settled('ack').length === 200,
    )
    expect(billing.reports.settled('ack')).toHaveLength(0)
    gate.resolve()
    await billing.reports.until('billing acknowledges 200 events', (reports) => reports.settled('ack').length === 200)
    expect([...seen.billing].sort((a, b) => a - b)).toEqual(range(200))
    expect([...seen.analytics].sort((a, b) => a - b)).toEqual(range(200))
  })

  test('a group that comes later starts at the beginning of the stream', async ({ lab }) => {
    const producer = lab.producer()
    await Promise.all(range(20).map((n) => producer.publish('counted', { n })))
    const late = await lab.consumer({ group: 'late' })
    await late.reports.until(
      'the late consumer acknowledges 20 events',
      (reports) => reports.settled('ack').length === 20,
    )
    expect(late.reports.of('started')[0]?.groupCreated).toBe(true)
  })

  test('a group that exists is joined as it is', async ({ lab }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, 'old', '0', 'MKSTREAM')
    const consumer = await lab.consumer({ group: 'old' })
    expect(consumer.reports.of('started')[0]?.groupCreated).toBe(false)
  })

  test('within a group, consumers share the events', async ({ lab }) => {
    const handled: number[] = []
    // No handler ends before each consumer has begun one: nobody can be so fast that nothing is left for the others.
    const begun = new Set<number>()
    const everybodyBegan = latch()
    await Promise.all(
      range(3).map((consumer) =>
        lab.consumer({
          concurrency: 2,
          handlers: {
            counted: async ({ data }) => {
              if (begun.add(consumer).size === 3) everybodyBegan.resolve()
              await everybodyBegan.promise
              handled.push(data.n)
            },
          },
        }),
      ),
    )
    const producer = lab.producer()
    await Promise.all(range(300).map((n) => producer.publish('counted', { n })))
    await lab.until('every event is handled', () => handled.length >= 300)
    expect(handled.sort((a, b) => a - b)).toEqual(range(300))
  })

  test('streams named x and {x} know nothing of each other', async ({ lab }) => {
    const [plain, tagged] = [lab.streamName, `{${lab.streamName}}`]
    const [onPlain, onTagged] = [new Lab(lab.url, plain), new Lab(lab.url, tagged)]
    const first = await onPlain.consumer()
    await onPlain.producer().publish('counted', { n: 0 }, { id: 'same' })
    await first.reports.until('the event of x is handled', (reports) => reports.settled('ack').length === 1)
    // Once a second the janitor stores the low-water mark of x: that of {x} is another one.
    await lab.until('the mark is stored', async () => (await lab.send('EXISTS', `{${plain}}:marks`)) === 1)
    const published = await Promise.all(
      range(10).map((n) => onTagged.producer().publish('counted', { n }, { id: n === 0 ? 'same' : `${n}` })),
    )
    expect(published.map(({ duplicate }) => duplicate)).toEqual(range(10).map(() => false))
    const second = await onTagged.consumer()
    await second.reports.until('the events of {x} are handled', (reports) => reports.settled('ack').length === 10)
    await onPlain.close()
    await onTagged.close()
  })

  test('a stream {x} that has run under the keys of an older version keeps its marks and its dead letters', async ({
    lab,
  }) => {
    const tagged = new Lab(lab.url, `{${lab.streamName}}`)
    const old = `{${lab.streamName}}`
    const published = []
    for (const n of range(3)) published.push(await tagged.producer().publish('counted', { n }))
    await lab.send('HSET', `${old}:marks`, GROUP, `${published[1]?.entryId} 1`)
    await lab.send('XADD', `${old}:${GROUP}:dead`, '*', 'note', 'kept')
    const consumer = await tagged.consumer()
    await consumer.reports.until('what follows the mark is handled', (reports) => reports.settled('ack').length === 1)
    expect(consumer.reports.settled()[0]?.entryId).toBe(published[2]?.entryId)
    expect(await tagged.deadLetters()).toMatchObject([{ fields: ['note', 'kept'] }])
    await tagged.close()
  })
})
