import { describe, expect } from 'vitest'
import { range } from '../support/events.ts'
import { GROUP, test } from '../support/lab.ts'
import { latch } from '../support/latch.ts'

describe('G4: crash recovery', () => {
  test('what a SIGKILLed consumer held, running or buffered, runs elsewhere once its lease is over', async ({
    lab,
  }) => {
    const settings = { LEASE_MS: '1500', BLOCK_MS: '200', CONCURRENCY: '4', MAX_BUFFERED: '4', LOG_LEVEL: 'error' }
    const victim = lab.worker('consumer', { ...settings, CONSUMER: 'victim', WORK_MS: '60000' })
    await lab.until('the victim joins', () => lab.ledger('joined').length === 1)
    const publisher = lab.worker('producer', { BURST: '8', USERS: '2' })
    await publisher.exited()
    await lab.until('the victim holds 8 entries', async () => (await lab.group()).pending === 8)

    lab.worker('consumer', { ...settings, CONSUMER: 'heir-1', WORK_MS: '1' })
    lab.worker('consumer', { ...settings, CONSUMER: 'heir-2', WORK_MS: '1' })
    await lab.until('the heirs join', () => lab.ledger('joined').length === 3)
    victim.kill('SIGKILL')
    const killedAt = Date.now()
    await lab.until('the heirs finish 8 events', () => lab.ledger('returned').length === 8)

    const taken = lab.ledger('started').filter(({ consumer }) => consumer !== 'victim')
    expect(taken.map(({ attempt }) => attempt)).toEqual(range(8).map(() => 2))
    expect(new Set(taken.map(({ id }) => id)).size).toBe(8)
    // Not a measure of speed: before the lease was over, nobody knew that the victim was dead.
    for (const { at } of taken) expect(at - killedAt).toBeGreaterThan(1_000)
  })

  test('a killed consumer leaves no lock behind that keeps the others from looking', async ({ lab }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    await lab.send('SET', `{${lab.streamName}}:${GROUP}:scan`, 'a dead consumer', 'PX', '250')
    await lab.producer().publish('counted', { n: 1 })
    await lab.send('XREADGROUP', 'GROUP', GROUP, 'dead', 'STREAMS', lab.streamName, '>')
    const heir = await lab.consumer({ leaseMs: 500 })
    await heir.reports.until('the heir acknowledges an event', (reports) => reports.settled('ack').length === 1)
  })

  test('the far end of a long pending list is reached', async ({ lab }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const producer = lab.producer()
    await Promise.all(range(3_000).map((n) => producer.publish('counted', { n })))
    await lab.send('XREADGROUP', 'GROUP', GROUP, 'dead', 'COUNT', 3_000, 'STREAMS', lab.streamName, '>')
    const heirs = await Promise.all(range(2).map(() => lab.consumer({ leaseMs: 500, concurrency: 200 })))
    const settled = () => heirs.flatMap(({ reports }) => reports.settled())
    await lab.until('the heirs settle every entry', () => settled().length >= 3_000)
    const claimed = settled().map(({ entryId, outcome }) => `${entryId} ${outcome.type}`)
    expect(new Set(claimed).size).toBe(3_000)
    expect(claimed).toHaveLength(3_000)
    expect(claimed.every((one) => one.endsWith(' ack'))).toBe(true)
  })

  test('the far end of a list of 100,000 is not starved by what is in front of it', async ({ lab }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const producer = lab.producer({ maxBuffered: 200_000, publishTimeoutMs: 40_000, dedupeMs: 0 })
    const published = await Promise.all(range(100_000).map((n) => producer.publish('counted', { n })))
    await lab.send('XREADGROUP', 'GROUP', GROUP, 'dead', 'COUNT', 100_000, 'STREAMS', lab.streamName, '>')
    // Suspects wait for their turn alone; the last five do not.
    const ids = published.map(({ entryId }) => entryId)
    const front = ids.slice(0, -5)
    for (let i = 0; i < front.length; i += 10_000) {
      const some = front.slice(i, i + 10_000)
      await lab.send('XCLAIM', lab.streamName, GROUP, 'dead', 0, ...some, 'RETRYCOUNT', 2, 'JUSTID')
    }
    const heir = await lab.consumer({ leaseMs: 500 })
    const claimed = () => heir.reports.of('claimed').filter(({ reason }) => reason === 'lease-over')
    await heir.reports.until('the heir claims', () => claimed().length > 0)
    expect(claimed()[0]?.entryIds).toEqual(ids.slice(-5))
    await heir.stop()
    await lab.send('DEL', lab.streamName)
  })

  test('a consumer without a free handler claims half a second later than others', async ({ lab }) => {
    const gate = latch()
    const leaseMs = 1_000
    // A consumer that joins sooner after the start of Redis claims nothing for a while.
    await lab.until(
      'Redis has been up for a while',
      async () =>
        Number(/uptime_in_seconds:(\d+)/.exec(await lab.send('INFO', 'server'))?.[1]) * 1_000 > leaseMs + 2_000,
    )
    const busy = await lab.consumer({
      leaseMs,
      concurrency: 4,
      maxBuffered: 0,
      handlers: { noted: () => gate.promise },
    })
    lab.onClose(async () => gate.resolve())
    const producer = lab.producer()
    const handled = await Promise.all(range(4).map((n) => producer.publish('counted', { n })))
    await busy.reports.until(
      'the busy consumer acknowledges 4 events',
      (reports) => reports.settled('ack').length === 4,
    )
    await Promise.all(range(4).map(() => producer.publish('noted', { text: 'slow' })))
    await lab.until('the busy consumer holds 4 entries', async () => (await lab.group()).pending === 4)
    const entryIds = handled.map(({ entryId }) => entryId)
    const expiredAt = Date.now()
    await lab.bringBack(entryIds, { deliveries: 1, idleMs: leaseMs })
    await busy.reports.until('the busy consumer claims', (reports) => reports.of('claimed').length > 0)
    expect(Date.now() - expiredAt).toBeGreaterThanOrEqual(500)
    gate.resolve()
    await lab.until('every entry is acknowledged', async () => (await lab.group()).pending === 0)
  })

  test('an entry whose body was deleted while it was pending disturbs nobody', async ({ lab }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const producer = lab.producer()
    const { entryId } = await producer.publish('counted', { n: 1 })
    await producer.publish('counted', { n: 2 })
    await lab.send('XREADGROUP', 'GROUP', GROUP, 'dead', 'STREAMS', lab.streamName, '>')
    await lab.send('XDEL', lab.streamName, entryId)
    const heir = await lab.consumer({ leaseMs: 500 })
    await heir.reports.until('the heir settles 2 events', (reports) => reports.settled().length === 2)
    expect(heir.reports.settled().find((report) => report.entryId === entryId)).toMatchObject({
      result: 'deleted',
      outcome: { type: 'abandon' },
    })
  })
})
