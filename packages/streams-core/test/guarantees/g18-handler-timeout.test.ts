import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import { range } from '../support/events.ts'
import { GROUP, test } from '../support/lab.ts'
import { latch } from '../support/latch.ts'

describe('G18: a handler that takes too long', () => {
  test('is told by its signal, then fails like any other: retried, and at last dead-lettered', async ({ lab }) => {
    const reasons: unknown[] = []
    const consumer = await lab.consumer({
      handlerTimeoutMs: 100,
      retry: { maxDeliveries: 2, delayMs: () => 10 },
      handlers: {
        counted: (_, { signal }) => {
          signal.addEventListener('abort', () => reasons.push(signal.reason.message))
          return new Promise<void>(() => {})
        },
      },
    })
    await lab.producer().publish('counted', { n: 1 })
    await consumer.reports.until('the event is dead', (reports) => reports.settled('dead-letter').length === 1)
    expect(consumer.reports.settled()).toMatchObject([
      { result: 'timed-out', outcome: { type: 'retry', error: 'the handler did not end within 100 ms' }, attempt: 1 },
      { result: 'timed-out', outcome: { type: 'dead-letter', reason: 'exhausted' }, attempt: 2 },
    ])
    expect(reasons).toEqual(['the handler has taken 100 ms', 'the handler has taken 100 ms'])
    expect((await lab.deadLetters())[0]?.history).toHaveLength(2)
  })

  test('gives its slot back, and its late result is ignored', async ({ lab }) => {
    const gate = latch()
    let late: unknown
    const consumer = await lab.consumer({
      concurrency: 1,
      handlerTimeoutMs: 100,
      retry: { delayMs: () => 60_000 },
      handlers: {
        counted: async (_, { commit }) => {
          await gate.promise
          late = await commit([['SET', `{${lab.streamName}}:late`, 1]]).catch((error) => error)
        },
      },
    })
    await lab.producer().publish('counted', { n: 1 })
    await lab.producer().publish('noted', { text: 'behind it' })
    await consumer.reports.until('the event behind it is handled', (reports) => reports.settled('ack').length === 1)
    gate.resolve()
    await lab.until('the late commit is answered', () => late !== undefined)
    expect(late).toMatchObject({ code: 'LEASE_LOST' })
    expect(await lab.send('EXISTS', `{${lab.streamName}}:late`)).toBe(0)
    expect(consumer.reports.settled().map(({ result }) => result)).toEqual(['timed-out', 'returned'])
    lab.mayLeavePending = true
  })

  test('a handler that stops when told has timed out, one that still returns has returned', async ({ lab }) => {
    const consumer = await lab.consumer({
      handlerTimeoutMs: 100,
      retry: { maxDeliveries: 1 },
      handlers: {
        counted: async (_, { signal }) => void (await sleep(60_000, undefined, { signal })),
        noted: () => sleep(300),
      },
    })
    await lab.producer().publish('counted', { n: 1 })
    await lab.producer().publish('noted', { text: 'slow' })
    await consumer.reports.until('both are settled', (reports) => reports.settled().length === 2)
    expect(consumer.reports.settled('dead-letter')).toMatchObject([{ result: 'timed-out' }])
    expect(consumer.reports.settled('ack')).toMatchObject([{ result: 'returned' }])
  })
})

describe('without a time limit, a handler that never returns keeps its slot, and nothing else', () => {
  test('run alone as a suspect, it holds the rest up for a few leases, then goes on in company', async ({ lab }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const { entryId } = await lab.producer().publish('noted', { text: 'hangs' })
    await lab.bringBack([entryId], { deliveries: 2, idleMs: 100_000 })
    await lab.send('XGROUP', 'SETID', lab.streamName, GROUP, '$')
    const gate = latch()
    lab.onClose(async () => gate.resolve())
    const consumer = await lab.consumer({ leaseMs: 500, handlers: { noted: () => gate.promise } })
    await consumer.reports.until('it runs alone', (reports) => reports.of('quarantined').length === 1)
    await Promise.all(range(200).map((n) => lab.producer().publish('counted', { n })))
    await consumer.reports.until('the others are handled', (reports) => reports.settled('ack').length === 200)
    const pending = await lab.send<[string, string][]>('XPENDING', lab.streamName, GROUP, '-', '+', 10)
    expect(pending.map(([id, owner]) => [id, owner])).toEqual([[entryId, consumer.name]])
    gate.resolve()
    await consumer.reports.until('it returns after all', (reports) => reports.settled('ack').length === 201)
    expect(consumer.reports.of('lease-lost')).toEqual([])
  })

  test('on its first delivery, beside a suspect: the rest goes on, and another consumer takes the suspect', async ({
    lab,
  }) => {
    const gate = latch()
    lab.onClose(async () => gate.resolve())
    const hung = await lab.consumer({ leaseMs: 500, handlers: { noted: () => gate.promise } })
    const started = lab.until('the handler hangs', async () => (await lab.group()).pending === 1)
    const producer = lab.producer()
    await producer.publish('noted', { text: 'hangs' })
    await started
    const { entryId } = await producer.publish('counted', { n: 0 })
    await hung.reports.until('the event is handled', (reports) => reports.settled('ack').length === 1)
    await lab.bringBack([entryId], { deliveries: 2, idleMs: 100_000 })
    await lab.until('it waits to be alone', async () =>
      (await lab.group()).consumers.some(({ name, pending }) => name.endsWith('~suspect') && pending > 0),
    )
    await Promise.all(range(200).map((n) => producer.publish('counted', { n })))
    await hung.reports.until('the others are handled', (reports) => reports.settled('ack').length >= 201)
    const free = await lab.consumer({ leaseMs: 500 })
    await free.reports.until('the free one runs the suspect', (reports) =>
      reports.settled('ack').some((report) => report.entryId === entryId),
    )
    expect(free.reports.settled('ack').find((report) => report.entryId === entryId)?.attempt).toBe(3)
    gate.resolve()
    await hung.reports.until('the hung one returns', (reports) => reports.settled('ack').length >= 202)
  })

  test('what Redis takes before the handler starts is not its time', async ({ lab: shared }) => {
    const { lab } = await shared.ownRedis()
    const gate = latch()
    const starts: string[] = []
    const consumer = await lab.consumer({
      ...{ concurrency: 1, maxBuffered: 10, leaseMs: 20_000, handlerTimeoutMs: 300, idempotency: {} },
      retry: { maxDeliveries: 1 },
      handlers: {
        counted: async ({ id }, { signal }) => {
          starts.push(`${id} ${signal.aborted}`)
          if (id === 'first') await gate.promise
        },
      },
    })
    const producer = lab.producer()
    await Promise.all(['first', 'second'].map((id) => producer.publish('counted', { n: 1 }, { id })))
    await lab.until('one runs, the other waits', async () => starts.length === 1 && (await lab.group()).pending === 2)
    await lab.send('CLIENT', 'PAUSE', 2_500, 'ALL')
    gate.resolve()
    await consumer.reports.until('both are settled', (reports) => reports.settled().length === 2)
    expect(starts).toEqual(['first false', 'second false'])
    expect(consumer.reports.settled('ack')).toHaveLength(2)
  })
})
