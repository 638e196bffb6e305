import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import { CommitError, LeaseLostError } from '../../src/index.ts'
import { range } from '../support/events.ts'
import { GROUP, test } from '../support/lab.ts'
import { latch } from '../support/latch.ts'

describe('G8: Redis effects happen exactly once', () => {
  test('commit runs the writes and the acknowledgement as one step', async ({ lab }) => {
    const [counter, further] = [`{${lab.streamName}}:counter`, `{${lab.streamName}}:further`]
    const replies: unknown[] = []
    const consumer = await lab.consumer({
      handlers: {
        counted: async ({ id, data }, { commit }) => {
          replies.push(
            await commit([
              ['INCRBY', counter, data.n],
              ['XADD', further, '*', 'from', id],
            ]),
          )
        },
      },
    })
    const producer = lab.producer()
    for (const n of range(10)) await producer.publish('counted', { n }, { id: `e${n}` })
    await consumer.reports.until(
      'the consumer commits 10 events',
      (reports) => reports.settled('committed').length === 10,
    )
    expect(await lab.send('GET', counter)).toBe('45')
    const entries = await lab.send<[string, string[]][]>('XRANGE', further, '-', '+')
    // Handlers run side by side, so in any order.
    expect(entries.map(([, [, from]]) => from).sort()).toEqual(range(10).map((n) => `e${n}`))
    expect(replies).toContainEqual([0, entries.find(([, [, from]]) => from === 'e0')?.[0]])
    expect((await lab.group()).pending).toBe(0)
  })

  test('of two consumers that run the same event, one commits', async ({ lab }) => {
    const counter = `{${lab.streamName}}:counter`
    const gate = latch()
    let error: unknown
    const zombie = await lab.consumer({
      leaseMs: 20_000,
      handlers: {
        counted: async (_, { commit }) => {
          await gate.promise
          await commit([['INCR', counter]]).catch((caught) => {
            error = caught
            throw caught
          })
        },
      },
    })
    const { entryId } = await lab.producer().publish('counted', { n: 1 })
    await lab.until('the zombie holds the entry', async () => (await lab.group()).pending === 1)
    // As if the lease had run out: another took the entry, died, and an heir takes over and commits first.
    await lab.send('XCLAIM', lab.streamName, GROUP, 'dead', 0, entryId, 'IDLE', 30_000, 'RETRYCOUNT', 1)
    const heir = await lab.consumer({
      leaseMs: 1_000,
      handlers: { counted: async (_, { commit }) => void (await commit([['INCR', counter]])) },
    })
    await heir.reports.until('the heir commits an event', (reports) => reports.settled('committed').length === 1)
    gate.resolve()
    await zombie.reports.until('the zombie abandons an event', (reports) => reports.settled('abandon').length === 1)
    expect(error).toBeInstanceOf(LeaseLostError)
    expect(await lab.send('GET', counter)).toBe('1')
  })

  test('a handler that throws after commit is not run again', async ({ lab }) => {
    let runs = 0
    const consumer = await lab.consumer({
      handlers: {
        counted: async (_, { commit }) => {
          runs += 1
          await commit([['PING']])
          throw new Error('too late')
        },
      },
    })
    await lab.producer().publish('counted', { n: 1 })
    await consumer.reports.until('the consumer settles an event', (reports) => reports.settled().length === 1)
    expect(consumer.reports.settled()).toMatchObject([{ outcome: { type: 'committed' } }])
    expect(runs).toBe(1)
  })

  test.for([
    ['its time limit', { handlerTimeoutMs: 100 }],
    ['the drain', { drainTimeoutMs: 500 }],
  ] as const)('what commit has decided stands, although %s ends before the handler', async ([, limit], { lab }) => {
    let isCommitted = false
    const consumer = await lab.consumer({
      ...limit,
      handlers: {
        counted: async (_, { commit }) => {
          await commit([['PING']])
          isCommitted = true
          await new Promise(() => {})
        },
      },
    })
    await lab.producer().publish('counted', { n: 1 })
    await lab.until('the handler has committed', () => isCommitted)
    if ('drainTimeoutMs' in limit) await consumer.stop()
    await consumer.reports.until('the event is settled', (reports) => reports.settled().length === 1)
    expect(consumer.reports.settled()).toMatchObject([{ result: 'committed', outcome: { type: 'committed' } }])
  })

  test('a commit that failed half way is not repeated either, although the handler then exceeds its time', async ({
    lab,
  }) => {
    const [counter, list] = [`{${lab.streamName}}:counter`, `{${lab.streamName}}:list`]
    await lab.send('RPUSH', list, 'no number')
    const consumer = await lab.consumer({
      handlerTimeoutMs: 100,
      handlers: {
        counted: async (_, { commit }) => {
          await commit([
            ['INCR', counter],
            ['INCR', list],
          ]).catch(() => {})
          await new Promise(() => {})
        },
      },
    })
    await lab.producer().publish('counted', { n: 1 })
    await consumer.reports.until('the event is settled', (reports) => reports.settled().length === 1)
    expect(consumer.reports.settled('dead-letter')).toMatchObject([{ result: 'commit-failed' }])
    expect(await lab.send('GET', counter)).toBe('1')
  })

  test('a handler that fails beside its commit has committed, or failed to, all the same', async ({ lab }) => {
    const [counter, list] = [`{${lab.streamName}}:counter`, `{${lab.streamName}}:list`]
    await lab.send('RPUSH', list, 'no number')
    const consumer = await lab.consumer({
      handlers: {
        counted: async ({ data }, { commit }) => {
          const commands =
            data.n === 0
              ? [['INCR', counter]]
              : [
                  ['INCR', counter],
                  ['INCR', list],
                ]
          await Promise.all([commit(commands), Promise.reject(new Error('the mail was not sent'))])
        },
      },
    })
    const producer = lab.producer()
    await Promise.all([0, 1].map((n) => producer.publish('counted', { n }, { id: `e${n}` })))
    await consumer.reports.until('both are settled', (reports) => reports.settled().length === 2)
    expect(consumer.reports.settled('committed')).toMatchObject([{ eventId: 'e0' }])
    expect(consumer.reports.settled('dead-letter')).toMatchObject([{ eventId: 'e1', result: 'commit-failed' }])
    expect(await lab.send('GET', counter)).toBe('2')
  })

  test('a second commit, which is refused, changes nothing of the first one, which is on its way', async ({ lab }) => {
    const [counter, list] = [`{${lab.streamName}}:counter`, `{${lab.streamName}}:list`]
    await lab.send('RPUSH', list, 'no number')
    const consumer = await lab.consumer({
      handlers: {
        counted: async (_, { commit }) => {
          const commands = [
            ['INCR', counter],
            ['INCR', list],
          ]
          await Promise.all([commit(commands), commit([['PING']])])
        },
      },
    })
    await lab.producer().publish('counted', { n: 1 })
    await consumer.reports.until('the event is settled', (reports) => reports.settled().length === 1)
    expect(consumer.reports.settled('dead-letter')).toMatchObject([{ result: 'commit-failed' }])
    expect(await lab.send('GET', counter)).toBe('1')
  })

  test('an extension of the lease that Redis gets right behind the commit does not take it for lost', async ({
    lab: shared,
  }) => {
    const { lab } = await shared.ownRedis()
    const [isOld, isPaused] = [latch(), latch()]
    let isAborted: boolean | undefined
    const consumer = await lab.consumer({
      // So the keeper looks every half second, and extends what is older; and a reply may take 1.2 s.
      leaseMs: 3_000,
      handlers: {
        counted: async ({ data }, { commit, signal }) => {
          // So that Redis knows the script: otherwise it is sent again, behind the extension.
          if (data.n === 0) return void (await commit([['PING']]))
          setTimeout(() => isOld.resolve(), 700)
          await isPaused.promise
          await commit([['PING']])
          // The answer to the extension came with that to the commit.
          await sleep(100)
          isAborted = signal.aborted
        },
      },
    })
    const producer = lab.producer()
    await producer.publish('counted', { n: 0 })
    await consumer.reports.until('one is committed', (reports) => reports.settled('committed').length === 1)
    await producer.publish('counted', { n: 1 })
    await isOld.promise
    await lab.send('CLIENT', 'PAUSE', 1_000, 'WRITE')
    isPaused.resolve()
    await consumer.reports.until('both are settled', (reports) => reports.settled().length === 2)
    expect(isAborted).toBe(false)
    expect(consumer.reports.settled('committed')).toHaveLength(2)
    expect(consumer.reports.of('lease-lost')).toEqual([])
  })

  test('a handler that goes on after commit, beyond its lease, gets no signal', async ({ lab }) => {
    let isAborted: boolean | undefined
    const gate = latch()
    const consumer = await lab.consumer({
      leaseMs: 500,
      handlers: {
        counted: async (_, { commit, signal }) => {
          await commit([['PING']])
          await gate.promise
          isAborted = signal.aborted
        },
        // Held beside it: once this lease has been extended beyond its end, the keeper has looked at both.
        noted: () => gate.promise,
      },
    })
    const producer = lab.producer()
    const { entryId } = await producer.publish('noted', { text: 'slow' })
    await producer.publish('counted', { n: 1 })
    const started = Date.now()
    const idleMs = async () => {
      const [pending] = await lab.send<[string, string, number][]>(
        'XPENDING',
        lab.streamName,
        GROUP,
        entryId,
        entryId,
        1,
      )
      return pending?.[2] ?? 0
    }
    await lab.until(
      'the lease is extended beyond its end',
      async () => Date.now() - started > 1_000 && (await idleMs()) < 500,
    )
    gate.resolve()
    await consumer.reports.until('the consumer settles 2 events', (reports) => reports.settled().length === 2)
    expect(isAborted).toBe(false)
    expect(consumer.reports.of('lease-lost')).toEqual([])
  })

  test('an error of the first command leaves the event as it was: it is retried', async ({ lab }) => {
    const key = `{${lab.streamName}}:text`
    await lab.send('SET', key, 'no number')
    const consumer = await lab.consumer({
      retry: { delayMs: () => 20 },
      handlers: { counted: async (_, { commit }) => void (await commit([['INCR', key]])) },
    })
    await lab.producer().publish('counted', { n: 1 })
    await consumer.reports.until('the consumer parks an event', (reports) => reports.settled('retry').length === 1)
    expect(consumer.reports.settled('retry')[0]?.outcome).toMatchObject({
      error: expect.stringContaining('not an integer'),
    })
    await lab.send('SET', key, '41')
    await consumer.reports.until(
      'the consumer commits an event',
      (reports) => reports.settled('committed').length === 1,
    )
    expect(await lab.send('GET', key)).toBe('42')
  })

  test('after an error of a later command nothing is repeated: the event goes to the dead letters', async ({ lab }) => {
    const [counter, text] = [`{${lab.streamName}}:counter`, `{${lab.streamName}}:text`]
    await lab.send('SET', text, 'no number')
    const errors: unknown[] = []
    const consumer = await lab.consumer({
      handlers: {
        counted: async (_, { commit }) => {
          await commit([
            ['INCR', counter],
            ['INCR', text],
          ]).catch((error) => {
            errors.push(error)
            throw error
          })
        },
      },
    })
    await lab.producer().publish('counted', { n: 1 })
    await consumer.reports.until(
      'the consumer dead-letters an event',
      (reports) => reports.settled('dead-letter').length === 1,
    )
    expect(errors).toMatchObject([{ applied: 1 }])
    expect(errors[0]).toBeInstanceOf(CommitError)
    expect(await lab.deadLetters()).toMatchObject([{ reason: 'commit-failed' }])
    expect(await lab.send('GET', counter)).toBe('1')
  })

  test('a command that is too long is refused before those in front of it have run', async ({ lab }) => {
    const key = `{${lab.streamName}}:key`
    const tooLong = ['RPUSH', `${key}:list`, ...range(8_100)]
    const consumer = await lab.consumer({
      retry: { maxDeliveries: 3, delayMs: () => 10 },
      handlers: { counted: async (_, { commit }) => void (await commit([['INCR', key], tooLong])) },
    })
    await lab.producer().publish('counted', { n: 1 })
    await consumer.reports.until('it is a dead letter', (reports) => reports.settled('dead-letter').length === 1)
    expect(await lab.send('GET', key)).toBeNull()
    expect(await lab.deadLetters()).toMatchObject([
      { reason: 'exhausted', error: expect.stringContaining('8102 words') },
    ])
  })
})
