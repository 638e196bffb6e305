import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '@redis-streams-processor/testbed'
import { describe, expect } from 'vitest'
import { range } from '../support/events.ts'
import { GROUP, test } from '../support/lab.ts'
import { latch } from '../support/latch.ts'

describe('G3: one owner at a time', () => {
  test('what a living consumer runs or has buffered is not handed to another, however slow', async ({ lab }) => {
    const gate = latch()
    const started: number[] = []
    const slow = await lab.consumer({
      leaseMs: 500,
      concurrency: 2,
      maxBuffered: 6,
      handlers: {
        counted: async ({ data }) => {
          started.push(data.n)
          await gate.promise
        },
      },
    })
    const producer = lab.producer()
    await Promise.all(range(8).map((n) => producer.publish('counted', { n })))
    await lab.until('the slow consumer holds 8 entries', async () => (await lab.group()).pending === 8)
    const rival = await lab.consumer({ leaseMs: 500 })

    // Six leases long, the rival looks for something to claim.
    await sleep(3_000)
    expect(rival.reports.of('claimed')).toEqual([])
    expect(started).toHaveLength(2)
    gate.resolve()
    await slow.reports.until(
      'the slow consumer acknowledges 8 events',
      (reports) => reports.settled('ack').length === 8,
    )
    expect(slow.reports.of('lease-lost')).toEqual([])
    expect(slow.reports.settled().map(({ attempt }) => attempt)).toEqual(range(8).map(() => 1))
  })

  test('a consumer that was frozen beyond its lease fires the signal, writes nothing and claims nothing back', async ({
    lab,
  }) => {
    const gate = latch()
    let signal: AbortSignal | undefined
    const frozen = await lab.consumer({
      leaseMs: 1_000,
      handlers: {
        counted: async (_, context) => {
          signal = context.signal
          await gate.promise
        },
      },
    })
    const { entryId } = await lab.producer().publish('counted', { n: 1 })
    await lab.until('the handler starts', () => signal !== undefined)
    // Another owner, as after a freeze: from here on the entry is not ours.
    await lab.send('XCLAIM', lab.streamName, GROUP, 'heir', 0, entryId)
    await frozen.reports.until('the frozen consumer loses a lease', (reports) => reports.of('lease-lost').length === 1)
    expect(signal?.aborted).toBe(true)
    expect(signal?.reason).toMatchObject({ code: 'LEASE_LOST' })
    gate.resolve()
    await frozen.reports.until('the frozen consumer settles an event', (reports) => reports.settled().length === 1)
    expect(frozen.reports.settled()).toMatchObject([{ outcome: { type: 'abandon' }, result: 'lease-lost' }])
    expect([...(await lab.view().pending())]).toEqual([[entryId, 'heir']])
    await lab.send('XACK', lab.streamName, GROUP, entryId)
  })

  test.for(['throw', 'reject', 'return'])(
    'a zombie whose handler ends with %s writes nothing but an acknowledgement',
    async (how, { lab }) => {
      const gate = latch()
      const zombie = await lab.consumer({
        // So long that the lease keeper does not look in time: only the scripts' own check stands between.
        leaseMs: 20_000,
        handlers: {
          counted: async (_, { attempt }) => {
            await gate.promise
            if (how === 'throw') throw new Error(`attempt ${attempt}`)
            if (how === 'reject') (await import('../../src/index.ts')).reject('no')
          },
        },
      })
      const { entryId } = await lab.producer().publish('counted', { n: 1 })
      await lab.until('the zombie holds the entry', async () => (await lab.group()).pending === 1)
      await lab.send('XCLAIM', lab.streamName, GROUP, 'heir', 0, entryId)
      gate.resolve()
      await zombie.reports.until('the zombie settles an event', (reports) => reports.settled().length === 1)
      if (how === 'return') {
        // The one thing a zombie may do: it has handled the event, and says so. Nothing is lost by it.
        expect(zombie.reports.settled('ack')).toHaveLength(1)
      } else {
        expect(zombie.reports.settled('abandon')).toHaveLength(1)
        expect(await lab.send('XPENDING', lab.streamName, GROUP, '-', '+', 10)).toMatchObject([
          [entryId, 'heir', expect.any(Number), 2],
        ])
        expect(await lab.deadLetters()).toEqual([])
        await lab.send('XACK', lab.streamName, GROUP, entryId)
      }
    },
  )

  test('an acknowledgement that Redis takes only after the lease is over touches no entry of another owner', async ({
    lab,
  }) => {
    const proxy = await lab.proxy()
    const [gate, heirsGate] = [latch(), latch()]
    const counted = () => gate.promise
    const cutOff = await lab.consumer({ redis: proxy.url, leaseMs: 1_000, handlers: { counted } })
    const { entryId } = await lab.producer().publish('counted', { n: 1 })
    await lab.until('the handler starts', async () => (await lab.group()).pending === 1)
    proxy.leadTo(await freePort())
    proxy.cut()
    await cutOff.reports.until('the consumer is cut off', (reports) =>
      reports.of('connection').some(({ state }) => state === 'lost'),
    )
    gate.resolve()
    const heir = await lab.consumer({ leaseMs: 1_000, handlers: { counted: () => heirsGate.promise } })
    await heir.reports.until('the heir claims the entry', (reports) => reports.of('claimed').length === 1)
    proxy.leadTo(lab.port)
    await cutOff.reports.until('the other one settles it, too', (reports) => reports.settled().length === 1)
    expect(cutOff.reports.settled()).toMatchObject([{ outcome: { type: 'abandon' }, result: 'lease-lost' }])
    expect([...(await lab.view().pending()).keys()]).toEqual([entryId])
    heirsGate.resolve()
    await heir.reports.until('the heir settles it', (reports) => reports.settled('ack').length === 1)
  })

  test('a process frozen by SIGSTOP abandons what it held', async ({ lab }) => {
    const settings = { LEASE_MS: '1000', BLOCK_MS: '200', CONCURRENCY: '2', MAX_BUFFERED: '2' }
    const frozen = lab.worker('consumer', { ...settings, CONSUMER: 'frozen', WORK_MS: '4000' })
    await lab.until('the consumer joins', () => lab.ledger('joined').length === 1)
    await lab.worker('producer', { BURST: '4', USERS: '2' }).exited()
    await lab.until(
      'two entries run and two wait',
      async () => lab.ledger('started').length === 2 && (await lab.group()).pending === 4,
    )
    frozen.kill('SIGSTOP')
    const heir = await lab.worker('consumer', { ...settings, CONSUMER: 'heir', WORK_MS: '1' })
    await lab.until('the heir finishes 4 events', () => lab.ledger('returned').length === 4)
    frozen.kill('SIGCONT')
    await frozen.waitFor(({ msg }) => msg?.startsWith('lost the lease') ?? false)
    await lab.until(
      'the frozen consumer abandons 4 deliveries',
      () => frozen.lines.filter(({ msg }) => msg === 'abandoned').length === 4,
    )
    expect(frozen.lines.filter(({ msg }) => msg === 'acknowledged')).toEqual([])
    expect(heir.lines.filter(({ msg }) => msg === 'acknowledged')).toHaveLength(4)
  })

  test('a process whose event loop was blocked beyond its lease abandons what it held', async ({ lab }) => {
    const HANDLERS = fileURLToPath(new URL('../support/blocking-handlers.ts', import.meta.url))
    const settings = { LEASE_MS: '1000', BLOCK_MS: '200', BLOCKED_MS: '0', HANDLERS }
    const blocked = lab.worker('consumer', { ...settings, CONSUMER: 'blocked' })
    await lab.until('the first consumer joins', () => lab.ledger('joined').length === 1)
    const heir = lab.worker('consumer', { ...settings, CONSUMER: 'heir' })
    await lab.until('the heir joins', () => lab.ledger('joined').length === 2)
    // The consumer that gets it first blocks; the other takes it over.
    await lab.worker('producer', { BURST: '1' }).exited()
    await lab.until('the heir finishes the event', () => lab.ledger('returned').length === 1)
    const [first, second] = lab.ledger('returned')[0]?.consumer === 'heir' ? [blocked, heir] : [heir, blocked]
    await first.waitFor(({ msg }) => msg?.startsWith('lost the lease') ?? false)
    await first.waitFor(({ msg }) => msg === 'abandoned')
    expect(first.lines.filter(({ msg }) => msg === 'acknowledged')).toEqual([])
    expect(second.lines.filter(({ msg }) => msg === 'acknowledged')).toHaveLength(1)
  })
})
