import { freePort } from '@redis-streams-processor/testbed'
import { describe, expect } from 'vitest'
import { TAKE_RECORD } from '../../src/broker/scripts/idempotency.ts'
import { GROUP, type Lab, test } from '../support/lab.ts'
import { latch } from '../support/latch.ts'

const idempotency = { ttlMs: 60_000 }

const recordOf = (lab: Lab) => `{${lab.streamName}}:${GROUP}:guard:same`

describe('G9: a finished handler does not run again', () => {
  test('a finished handler does not run again for a second entry with the same event id', async ({ lab }) => {
    let runs = 0
    const keys = new Set<string>()
    const consumer = await lab.consumer({
      idempotency,
      handlers: {
        counted: (_, { idempotencyKey }) => {
          runs += 1
          keys.add(idempotencyKey)
        },
      },
    })
    const producer = lab.producer({ dedupeMs: 0 })
    await producer.publish('counted', { n: 1 }, { id: 'same' })
    await consumer.reports.until('the consumer acknowledges an event', (reports) => reports.settled('ack').length === 1)
    await producer.publish('counted', { n: 1 }, { id: 'same' })
    await consumer.reports.until('the consumer acknowledges 2 events', (reports) => reports.settled('ack').length === 2)
    expect(runs).toBe(1)
    expect(consumer.reports.settled()[1]?.result).toBe('handled-before')
    expect([...keys]).toEqual([`${GROUP}:same`])
  })

  test('another group has a record of its own', async ({ lab }) => {
    const consumers = [await lab.consumer({ idempotency }), await lab.consumer({ idempotency, group: 'other' })]
    await lab.producer().publish('counted', { n: 1 }, { id: 'same' })
    for (const { reports } of consumers) {
      await reports.until('the consumer acknowledges an event', (reports) => reports.settled('ack').length === 1)
      expect(reports.settled()[0]?.result).toBe('returned')
    }
  })

  test('an event that runs elsewhere is not started; once it is handled there, it is acknowledged', async ({ lab }) => {
    const gate = latch()
    let runs = 0
    const handlers = {
      counted: async () => {
        runs += 1
        await gate.promise
      },
    }
    const one = await lab.consumer({ idempotency, handlers, leaseMs: 1_000 })
    const producer = lab.producer({ dedupeMs: 0 })
    await producer.publish('counted', { n: 1 }, { id: 'same' })
    await lab.until('the handler starts', () => runs === 1)
    const other = await lab.consumer({ idempotency, handlers, leaseMs: 1_000 })
    await producer.publish('counted', { n: 1 }, { id: 'same' })
    const releases = () => [...one.reports.settled('release'), ...other.reports.settled('release')]
    // Longer than a lease, and so than a record that is not extended.
    await lab.until('4 releases', () => releases().length >= 4)
    expect(runs).toBe(1)
    expect(releases().every(({ result, attempt }) => result === 'handled-elsewhere' && attempt === 1)).toBe(true)
    gate.resolve()
    const acks = () => [...one.reports.settled('ack'), ...other.reports.settled('ack')]
    await lab.until('both entries are acknowledged', () => acks().length === 2)
    expect(runs).toBe(1)
  })

  test('a failure frees the record: the retry runs', async ({ lab }) => {
    const consumer = await lab.consumer({
      idempotency,
      retry: { delayMs: () => 20 },
      handlers: {
        counted: (_, { attempt }) => {
          if (attempt === 1) throw new Error('once')
        },
      },
    })
    await lab.producer().publish('counted', { n: 1 })
    await consumer.reports.until('the consumer acknowledges an event', (reports) => reports.settled('ack').length === 1)
    expect(consumer.reports.settled('ack')[0]).toMatchObject({ attempt: 2, result: 'returned' })
  })

  test('a crash during the run frees the record when the lease is over', async ({ lab }) => {
    const settings = { LEASE_MS: '1000', BLOCK_MS: '200', IDEMPOTENCY_TTL_MS: '60000' }
    const victim = lab.worker('consumer', { ...settings, CONSUMER: 'victim', WORK_MS: '60000' })
    await lab.until('the victim joins', () => lab.ledger('joined').length === 1)
    await lab.worker('producer', { BURST: '3', USERS: '2' }).exited()
    await lab.until('the victim starts 3 events', () => lab.ledger('started').length === 3)
    victim.kill('SIGKILL')
    lab.worker('consumer', { ...settings, CONSUMER: 'heir', WORK_MS: '1' })
    await lab.until('the heir finishes 3 events', () => lab.ledger('returned').length === 3)
  })

  test('the record of a dead delivery of the same entry is free at once: the lease of the entry decides', async ({
    lab,
  }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const { entryId } = await lab.producer().publish('counted', { n: 1 }, { id: 'same' })
    await lab.send('XREADGROUP', 'GROUP', GROUP, 'dead', 'STREAMS', lab.streamName, '>')
    const record = recordOf(lab)
    await lab.send('SET', record, `running ${entryId}`, 'PX', 600_000)
    const heir = await lab.consumer({ idempotency, leaseMs: 500 })
    await heir.reports.until('the heir settles an event', (reports) => reports.settled().length === 1)
    expect(heir.reports.settled()).toMatchObject([{ result: 'returned', attempt: 2 }])
  })

  test('a record that could not be taken for longer than a lease is left to the new owner of the entry', async ({
    lab,
  }) => {
    const gate = latch()
    const runs: string[] = []
    const counted = (_: unknown, { consumer }: { consumer: string }) => {
      runs.push(consumer)
      return gate.promise
    }
    const options = { idempotency, leaseMs: 1_000, handlers: { counted } }
    const proxy = await lab.proxy()
    const cutOff = await lab.consumer({ ...options, redis: proxy.url })
    await lab.load(TAKE_RECORD)
    const lost = proxy.loseReplyTo(TAKE_RECORD.sha)
    proxy.leadTo(await freePort())
    const { entryId } = await lab.producer().publish('counted', { n: 1 }, { id: 'same' })
    await lost
    const heir = await lab.consumer(options)
    await lab.until('the heir runs it', () => runs.length === 1)
    proxy.leadTo(lab.port)
    await cutOff.reports.until('the other one gives it up', (reports) => reports.settled().length === 1)
    expect(cutOff.reports.settled()).toMatchObject([{ outcome: { type: 'abandon' }, result: 'lease-lost' }])
    expect(await lab.send('GET', recordOf(lab))).toBe(`running ${entryId}`)
    gate.resolve()
    await heir.reports.until('the heir acknowledges it', (reports) => reports.settled('ack').length === 1)
    expect(runs).toEqual([heir.name])
  })

  test('the record of a suspect is kept once the suspect runs beside others', async ({ lab }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const { entryId } = await lab.producer().publish('counted', { n: 1 }, { id: 'same' })
    await lab.send('XREADGROUP', 'GROUP', GROUP, 'dead', 'STREAMS', lab.streamName, '>')
    await lab.bringBack([entryId], { deliveries: 2, idleMs: 100_000 })
    const gate = latch()
    const heir = await lab.consumer({ idempotency, leaseMs: 1_000, handlers: { counted: () => gate.promise } })
    await lab.until(
      'the suspect runs beside others',
      async () => (await lab.view().pending()).get(entryId) === heir.name,
    )
    let before = Number.POSITIVE_INFINITY
    let isExtended = false
    // Without a rest, so that even a short time without the record would be seen.
    while (!isExtended) {
      const msLeft = await lab.send<number>('PTTL', recordOf(lab))
      expect(msLeft).toBeGreaterThan(0)
      isExtended = msLeft > before
      before = msLeft
    }
    gate.resolve()
    await heir.reports.until('the heir acknowledges it', (reports) => reports.settled('ack').length === 1)
  })

  test('a commit sets the record to done, too', async ({ lab }) => {
    const consumer = await lab.consumer({
      idempotency,
      handlers: { counted: async (_, { commit }) => void (await commit([['PING']])) },
    })
    const producer = lab.producer({ dedupeMs: 0 })
    await producer.publish('counted', { n: 1 }, { id: 'same' })
    await consumer.reports.until(
      'the consumer commits an event',
      (reports) => reports.settled('committed').length === 1,
    )
    await producer.publish('counted', { n: 1 }, { id: 'same' })
    await consumer.reports.until('the consumer acknowledges an event', (reports) => reports.settled('ack').length === 1)
    expect(consumer.reports.settled('ack')[0]?.result).toBe('handled-before')
  })
})
