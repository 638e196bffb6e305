import { describe, expect } from 'vitest'
import { batch, type StreamEvent } from '../../src/index.ts'
import { foreignEntry, range } from '../support/events.ts'
import { GROUP, type Lab, test } from '../support/lab.ts'
import { latch } from '../support/latch.ts'

type Counted = StreamEvent<'counted', { n: number }>

const idsOf = (events: readonly Counted[]) => events.map(({ id }) => id)

/** Publishes `counted` events e0, e1, … before anybody reads, so that a consumer finds them at once. */
async function publish(lab: Lab, count: number): Promise<string[]> {
  await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
  const producer = lab.producer()
  const published = await Promise.all(range(count).map((n) => producer.publish('counted', { n }, { id: `e${n}` })))
  return published.map(({ entryId }) => entryId)
}

describe('G19: one call of a batch handler', () => {
  test('is told the delivery of each of its events, also beside an entry that is malformed', async ({ lab }) => {
    const [first] = await publish(lab, 1)
    await lab.send('XADD', lab.streamName, '*', ...foreignEntry({ data: 'no JSON' }))
    const { entryId: last } = await lab.producer().publish('counted', { n: 1 }, { id: 'e1' })
    const told: unknown[] = []
    const counted = batch<Counted>({
      maxSize: 3,
      handle: (events, { deliveries }) => void told.push(idsOf(events), deliveries),
    })
    const consumer = await lab.consumer({ handlers: { counted } })
    await consumer.reports.until('all are settled', (reports) => reports.settled().length === 3)
    const of = (eventId: string, entryId: string | undefined) => {
      return { entryId, attempt: 1, idempotencyKey: `${GROUP}:${eventId}` }
    }
    expect(told).toEqual([
      ['e0', 'e1'],
      [of('e0', first), of('e1', last)],
    ])
  })

  test('what it has named stays named when it throws, and the last name counts', async ({ lab }) => {
    await publish(lab, 4)
    const calls: string[][] = []
    const counted = batch<Counted>({
      maxSize: 4,
      handle(events, { fail, reject }) {
        calls.push(idsOf(events))
        if (events.length < 4) return
        fail('e0', new Error('the first name'))
        reject('e0', 'the last name')
        throw new Error('the database is full')
      },
    })
    const consumer = await lab.consumer({ handlers: { counted } })
    await consumer.reports.until('all are settled', (reports) => reports.settled().length === 4)
    expect(calls).toEqual([['e0', 'e1', 'e2', 'e3'], ['e1', 'e2'], ['e3']])
    expect(await lab.deadLetters()).toMatchObject([{ reason: 'rejected', error: 'the last name', deliveries: 1 }])
    expect(consumer.reports.settled('ack').map(({ attempt }) => attempt)).toEqual([1, 1, 1])
  })

  test('names an event id for all entries that have it', async ({ lab }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const producer = lab.producer({ dedupeMs: 0 })
    for (const n of [1, 2]) await producer.publish('counted', { n }, { id: 'twin' })
    const counted = batch<Counted>({ maxSize: 2, handle: (_, { reject }) => reject('twin', 'both of them') })
    const consumer = await lab.consumer({ handlers: { counted } })
    await consumer.reports.until('both are settled', (reports) => reports.settled().length === 2)
    expect((await lab.deadLetters()).map(({ error }) => error)).toEqual(['both of them', 'both of them'])
  })

  test('has nothing to commit once it has named every event', async ({ lab }) => {
    await publish(lab, 2)
    const counter = `{${lab.streamName}}:counter`
    let refusal: unknown
    const counted = batch<Counted>({
      maxSize: 2,
      async handle(events, { skip, commit }) {
        for (const { id } of events) skip(id, 'not wanted')
        refusal = await commit([['INCR', counter]]).catch((error) => error)
      },
    })
    const consumer = await lab.consumer({ handlers: { counted } })
    await consumer.reports.until('both are settled', (reports) => reports.settled('skip').length === 2)
    expect(refusal).toMatchObject({ code: 'NOTHING_TO_COMMIT' })
    expect(await lab.send('GET', counter)).toBeNull()
  })

  test('is told to stop when the leases of all its events are lost, and not when one is', async ({ lab }) => {
    const entryIds = await publish(lab, 2)
    let told: AbortSignal | undefined
    const mayEnd = latch()
    const counted = batch<Counted>({
      maxSize: 2,
      async handle(_, { signal }) {
        told = signal
        await mayEnd.promise
      },
    })
    const consumer = await lab.consumer({ leaseMs: 1_000, handlers: { counted } })
    await lab.until('the batch runs', () => told !== undefined)
    const lose = async (n: number) => {
      await lab.send('XCLAIM', lab.streamName, GROUP, 'other', 0, entryIds[n] as string)
      await consumer.reports.until('it is lost', (reports) => reports.of('lease-lost').length === n + 1)
    }
    await lose(0)
    expect(told?.aborted).toBe(false)
    await lose(1)
    expect(told?.aborted).toBe(true)
    mayEnd.resolve()
    await consumer.reports.until('both are settled', (reports) => reports.settled('abandon').length === 2)
    await lab.send('XACK', lab.streamName, GROUP, ...entryIds)
  })

  test('can commit nothing any more once it is left behind, while its halves run', async ({ lab }) => {
    await publish(lab, 2)
    const counter = `{${lab.streamName}}:counter`
    const [halfRuns, isRefused] = [latch(), latch()]
    const calls: string[][] = []
    let refusal: unknown
    const counted = batch<Counted>({
      maxSize: 2,
      async handle(events, { commit }) {
        calls.push(idsOf(events))
        if (events.length === 1) {
          halfRuns.resolve()
          return isRefused.promise
        }
        // It does not heed its signal.
        await halfRuns.promise
        refusal = await commit([['INCR', counter]]).catch((error) => error)
        isRefused.resolve()
      },
    })
    const consumer = await lab.consumer({ handlerTimeoutMs: 500, handlers: { counted } })
    await consumer.reports.until('both are settled', (reports) => reports.settled('ack').length === 2)
    expect(calls).toEqual([['e0', 'e1'], ['e0'], ['e1']])
    expect(refusal).toMatchObject({ code: 'BATCH_CLOSED' })
    expect(await lab.send('GET', counter)).toBeNull()
  })
})
