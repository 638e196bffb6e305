import { describe, expect } from 'vitest'
import { listPending, type PendingEvent } from '../../src/index.ts'
import { range } from '../support/events.ts'
import { GROUP, type Lab, test } from '../support/lab.ts'

async function pendingOf(lab: Lab, owner?: string): Promise<PendingEvent[]> {
  const all: PendingEvent[] = []
  const options = { redis: lab.as('operator'), group: GROUP, ...(owner !== undefined && { owner }) }
  for await (const event of listPending({ name: lab.streamName }, options)) all.push(event)
  return all
}

const readAs = (lab: Lab, consumer: string, count: number) =>
  lab.send('XREADGROUP', 'GROUP', GROUP, consumer, 'COUNT', count, 'STREAMS', lab.streamName, '>')

describe('listPending', () => {
  test('lists who has what, oldest first, page by page', async ({ lab }) => {
    lab.mayLeavePending = true
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const producer = lab.producer()
    await Promise.all(range(250).map((n) => producer.publish('counted', { n }, { id: `e-${n}`, subject: `s-${n}` })))
    await readAs(lab, 'one', 150)
    await readAs(lab, 'two', 70)
    const all = await pendingOf(lab)
    expect(all.map(({ eventId }) => eventId)).toEqual(range(220).map((n) => `e-${n}`))
    expect(all[0]).toMatchObject({
      eventType: 'counted',
      subject: 's-0',
      state: { type: 'held', consumer: 'one', owner: 'one', attempt: 1, history: [] },
    })
    const lastOfTwo = all.slice(219).map(({ entryId }) => entryId)
    await lab.bringBack(lastOfTwo, { deliveries: 1, idleMs: 11_000 })
    const states = (await pendingOf(lab)).slice(218).map(({ state }) => state)
    expect(states).toMatchObject([
      { consumer: 'two', isLeaseOver: false },
      { consumer: 'dead', isLeaseOver: true },
    ])
    await lab.send('XCLAIM', lab.streamName, GROUP, 'two', 0, ...lastOfTwo)
    expect((await pendingOf(lab, 'two')).map(({ eventId }) => eventId)).toEqual(range(70).map((n) => `e-${150 + n}`))
    expect(await pendingOf(lab, 'nobody')).toEqual([])
  })

  test('says of what waits for a retry when it is due, and why it failed', async ({ lab }) => {
    lab.mayLeavePending = true
    const consumer = await lab.consumer({
      retry: { delayMs: () => 3_600_000 },
      handlers: {
        counted: () => {
          throw new Error('not now')
        },
      },
    })
    await lab.producer().publish('counted', { n: 1 })
    await consumer.reports.until('the event failed', (reports) => reports.settled('retry').length === 1)
    await consumer.stop()
    const [event] = await pendingOf(lab)
    expect(event?.state).toMatchObject({
      type: 'waiting-for-retry',
      deliveries: 1,
      dueAt: expect.stringMatching(/^\d{4}-/),
      history: [{ attempt: 1, error: 'not now' }],
    })
    expect(await pendingOf(lab, '~retry')).toHaveLength(1)
  })

  test('an entry that the stream does not hold any more is listed, without its fields', async ({ lab }) => {
    lab.mayLeavePending = true
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const { entryId } = await lab.producer().publish('counted', { n: 1 })
    await readAs(lab, 'one', 1)
    await lab.send('XDEL', lab.streamName, entryId)
    expect(await pendingOf(lab)).toMatchObject([{ entryId, fields: undefined, eventId: undefined }])
  })

  test('a group that is not there is an error', async ({ lab }) => {
    await expect(pendingOf(lab)).rejects.toMatchObject({ code: 'NO_SUCH_GROUP' })
  })
})
