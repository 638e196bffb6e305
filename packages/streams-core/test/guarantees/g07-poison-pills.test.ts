import { describe, expect } from 'vitest'
import { ISOLATE, REJOIN } from '../../src/broker/scripts/suspects.ts'
import { range } from '../support/events.ts'
import { GROUP, type Lab, test } from '../support/lab.ts'
import { latch } from '../support/latch.ts'

/** Leaves entries with a dead consumer, each of them delivered this many times. */
async function leaveBehind(lab: Lab, events: number, deliveries: number, owner: string): Promise<string[]> {
  await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM').catch(() => {})
  const producer = lab.producer()
  const published = await Promise.all(range(events).map((n) => producer.publish('counted', { n })))
  await lab.send('XREADGROUP', 'GROUP', GROUP, owner, 'COUNT', events, 'STREAMS', lab.streamName, '>')
  const ids = published.map(({ entryId }) => entryId)
  await lab.send('XCLAIM', lab.streamName, GROUP, owner, 0, ...ids, 'RETRYCOUNT', deliveries)
  return ids
}

async function idleMsOf(lab: Lab, entryId = ''): Promise<number> {
  const [pending] = await lab.send<[string, string, number][]>('XPENDING', lab.streamName, GROUP, entryId, entryId, 1)
  return pending?.[2] ?? 0
}

describe('G7: poison pills are quarantined', () => {
  test('entries whose process died twice, in company, run one at a time, with nothing else in flight', async ({
    lab,
  }) => {
    await leaveBehind(lab, 10, 2, 'dead')
    let running = 0
    let most = 0
    const owners = new Set<string>()
    const heir = await lab.consumer({
      leaseMs: 500,
      handlers: {
        counted: async () => {
          running += 1
          most = Math.max(most, running)
          for (const owner of (await lab.view().pending()).values()) if (owner !== '~suspect') owners.add(owner)
          running -= 1
        },
      },
    })
    await heir.reports.until('the heir acknowledges 10 events', (reports) => reports.settled('ack').length === 10)
    expect(most).toBe(1)
    expect([...owners]).toEqual([`${heir.name}~alone`])
    expect(heir.reports.of('quarantined')[0]?.suspects).toBe(10)
  })

  test('a suspect whose process died during its last delivery, alone, is dead-lettered and not run again', async ({
    lab,
  }) => {
    await leaveBehind(lab, 1, 5, 'dead~alone')
    const heir = await lab.consumer({ leaseMs: 500 })
    await heir.reports.until('the heir settles an event', (reports) => reports.settled().length === 1)
    expect(heir.reports.settled('dead-letter')).toMatchObject([{ result: 'crashed', attempt: 5 }])
    expect(await lab.deadLetters()).toMatchObject([{ reason: 'crashed', deliveries: 5 }])
  })

  test('a crashed entry that cannot be dead-lettered stays set apart: it never runs beside others', async ({ lab }) => {
    await leaveBehind(lab, 1, 5, 'dead~alone')
    const dead = `{${lab.streamName}}:${GROUP}:dead`
    await lab.send('SET', dead, 'a string')
    const refused = await lab.consumer({ leaseMs: 500 })
    await expect(refused.done).rejects.toThrow('WRONGTYPE')
    const owners = await lab.send<[string, string][]>('XPENDING', lab.streamName, GROUP, '-', '+', 10)
    expect(owners.map(([, owner]) => owner)).toEqual([`${refused.name}~crashed~alone`])
    await lab.send('DEL', dead)
    lab.mayLeavePending = true
  })

  test('a last delivery that a crash cut short in company is repeated, alone, and not charged', async ({ lab }) => {
    await leaveBehind(lab, 3, 5, 'dead')
    const attempts: number[] = []
    const heir = await lab.consumer({
      leaseMs: 500,
      handlers: { counted: (_, { attempt }) => void attempts.push(attempt) },
    })
    await heir.reports.until('the heir acknowledges 3 events', (reports) => reports.settled('ack').length === 3)
    expect(attempts).toEqual([5, 5, 5])
    expect(await lab.deadLetters()).toEqual([])
  })

  test('suspects at the head of a list do not hide what is behind them', async ({ lab }) => {
    await leaveBehind(lab, 300, 2, 'dead')
    await leaveBehind(lab, 5, 1, 'dead')
    const heir = await lab.consumer({ leaseMs: 500, concurrency: 4 })
    await heir.reports.until('the heir acknowledges 305 events', (reports) => reports.settled('ack').length === 305)
    const claimed = heir.reports.of('claimed').flatMap(({ reason, entryIds }) => entryIds.map(() => reason))
    expect(claimed.filter((reason) => reason === 'lease-over')).toHaveLength(5)
    expect(claimed.filter((reason) => reason === 'suspect')).toHaveLength(300)
  })

  test('with maxDeliveries 1, a crash in company is followed by one run alone', async ({ lab }) => {
    await leaveBehind(lab, 2, 1, 'dead')
    const heir = await lab.consumer({ leaseMs: 500, retry: { maxDeliveries: 1 } })
    await heir.reports.until('the heir acknowledges 2 events', (reports) => reports.settled('ack').length === 2)
    expect(heir.reports.of('quarantined')).toHaveLength(1)
  })

  test('a crash is charged also when a process comes back under the name of the dead one', async ({ lab }) => {
    await leaveBehind(lab, 1, 1, 'fixed')
    await leaveBehind(lab, 1, 5, 'fixed~alone')
    const again = await lab.consumer({ leaseMs: 500, consumer: 'fixed' })
    await again.reports.until(
      'the consumer that came back settles 2 events',
      (reports) => reports.settled().length === 2,
    )
    expect(again.reports.settled('ack')).toMatchObject([{ attempt: 2 }])
    expect(again.reports.settled('dead-letter')).toMatchObject([{ result: 'crashed' }])
  })

  test('a suspect whose reply to ISOLATE was lost runs alone again and is not dead-lettered as crashed', async ({
    lab,
  }) => {
    const [entryId] = await leaveBehind(lab, 1, 5, 'dead')
    const consumer = await lab.consumer({ leaseMs: 2_000 })
    const alone = `${consumer.name}~alone`
    await lab.send('XCLAIM', lab.streamName, GROUP, alone, 0, `${entryId}`, 'IDLE', 30_000, 'JUSTID')
    await consumer.reports.until('the consumer acknowledges an event', (reports) => reports.settled('ack').length === 1)
    expect(consumer.reports.settled('ack')).toMatchObject([{ attempt: 5 }])
    expect(await lab.deadLetters()).toEqual([])
  })

  test('a suspect whose reply to ISOLATE was lost is run by the consumer that has it', async ({ lab }) => {
    await leaveBehind(lab, 1, 5, 'dead')
    const proxy = await lab.proxy()
    await lab.load(ISOLATE)
    const lost = proxy.loseReplyTo(ISOLATE.sha)
    const consumer = await lab.consumer({ redis: proxy.url, leaseMs: 1_000 })
    await lost
    const other = await lab.consumer({ leaseMs: 1_000 })
    await consumer.reports.until('the consumer acknowledges it', (reports) => reports.settled('ack').length === 1)
    expect(consumer.reports.of('claimed')).toHaveLength(1)
    expect(other.reports.of('claimed')).toEqual([])
    expect(await lab.deadLetters()).toEqual([])
  })

  test('a suspect whose reply to REJOIN was lost runs on, and its lease with it', async ({ lab }) => {
    const [entryId] = await leaveBehind(lab, 1, 2, 'dead')
    const gate = latch()
    const proxy = await lab.proxy()
    await lab.load(REJOIN)
    const lost = proxy.loseReplyTo(REJOIN.sha)
    const handlers = { counted: () => gate.promise }
    const consumer = await lab.consumer({ redis: proxy.url, leaseMs: 1_000, handlers })
    await lost
    await lab.producer().publish('noted', { text: 'beside it' })
    await consumer.reports.until('other work goes on', (reports) => reports.settled('ack').length === 1)
    let idleMs = 0
    const isExtended = async () => {
      const before = idleMs
      idleMs = await idleMsOf(lab, entryId)
      return idleMs < before
    }
    // Twice, so that the consumer has had to extend it under the name that Redis has now.
    for (const _ of range(2)) await lab.until('its lease is extended', isExtended)
    expect(consumer.reports.of('lease-lost')).toEqual([])
    gate.resolve()
    await consumer.reports.until('the suspect is acknowledged', (reports) => reports.settled('ack').length === 2)
  })

  test('a clean stop proves nothing: a suspect that waits to run alone is released', async ({ lab }) => {
    await leaveBehind(lab, 20, 2, 'dead')
    for (let i = 0; i < 5; i += 1) {
      const leaving = await lab.consumer({ leaseMs: 500 })
      await leaving.reports.until(
        'a suspect is on its way',
        (reports) => reports.of('quarantined').length === 1 || reports.settled().length === 20,
      )
      await leaving.stop()
      const { consumers } = await lab.group()
      const names = [leaving.name, `${leaving.name}~alone`]
      expect(consumers.filter(({ name, pending }) => names.includes(name) && pending > 0)).toEqual([])
      if ((await lab.group()).pending === 0) break
    }
    const heir = await lab.consumer({ leaseMs: 500 })
    await lab.until(
      'every entry is acknowledged',
      async () => (await lab.group()).pending + (await lab.group()).waitingForRetry === 0,
    )
    expect(await lab.deadLetters()).toEqual([])
    await heir.stop()
  })

  test('a suspect that is released is still a suspect, and not charged', async ({ lab }) => {
    await leaveBehind(lab, 3, 2, 'dead')
    const [started, gate] = [latch(), latch()]
    const leaving = await lab.consumer({
      leaseMs: 1_000,
      drainTimeoutMs: 100,
      handlers: {
        counted: () => {
          started.resolve()
          return gate.promise
        },
      },
    })
    await started.promise
    await leaving.stop()
    gate.resolve()
    const owners: (string | undefined)[] = []
    const attempts: number[] = []
    const heir = await lab.consumer({
      leaseMs: 1_000,
      handlers: {
        counted: async ({ data }, { entryId, attempt }) => {
          if (data.n < 3) {
            owners.push((await lab.view().pending()).get(entryId))
            attempts.push(attempt)
          }
        },
      },
    })
    await heir.reports.until('the heir acknowledges 3 events', (reports) => reports.settled('ack').length === 3)
    expect(new Set(owners)).toEqual(new Set([`${heir.name}~alone`]))
    // One was left behind while it ran, and that counts.
    expect(attempts.sort()).toEqual([3, 3, 4])
  })

  test('one consumer quarantines, and the others go on', async ({ lab }) => {
    const gate = latch()
    const handlers = { noted: () => gate.promise }
    const consumers = [
      await lab.consumer({ leaseMs: 4_000, handlers }),
      await lab.consumer({ leaseMs: 4_000, handlers }),
    ]
    lab.onClose(async () => gate.resolve())
    const producer = lab.producer()
    const isBusy = async () => (await lab.group()).consumers.filter(({ pending }) => pending > 0).length === 2
    // Both have a slow handler running: to quarantine is to wait for it, without reading.
    while (!(await isBusy())) await producer.publish('noted', { text: 'slow' })
    const acks = () => consumers.flatMap(({ reports }) => reports.settled('ack')).length
    const handled = await Promise.all(range(5).map((n) => producer.publish('counted', { n })))
    await lab.until('5 events are acknowledged', () => acks() === 5)
    const entryIds = handled.map(({ entryId }) => entryId)
    await lab.bringBack(entryIds, { deliveries: 2, idleMs: 100_000 })
    await lab.until('one consumer takes a suspect', async () =>
      (await lab.group()).consumers.some(({ name }) => name.endsWith('~suspect')),
    )
    // For longer than it takes the other one to look for suspects, too.
    for (const _ of range(10)) {
      const done = acks()
      await Promise.all(range(5).map((n) => producer.publish('counted', { n })))
      await lab.until('the other consumer goes on', () => acks() >= done + 5)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    gate.resolve()
    await lab.until('every entry is acknowledged', async () => (await lab.group()).pending === 0)
  })

  test('what arrives during a quarantine is handled afterwards', async ({ lab }) => {
    await leaveBehind(lab, 3, 2, 'dead')
    const heir = await lab.consumer({ leaseMs: 500 })
    await heir.reports.until('the heir quarantines', (reports) => reports.of('quarantined').length === 1)
    await lab.producer().publish('counted', { n: 99 })
    await heir.reports.until('the heir acknowledges 4 events', (reports) => reports.settled('ack').length === 4)
  })
})
