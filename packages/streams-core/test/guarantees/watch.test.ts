import { describe, expect } from 'vitest'
import { openWatcher, reject, type StreamWatcher, type WatchOptions } from '../../src/index.ts'
import { keyRules, rights } from '../../src/settings.ts'
import { range } from '../support/events.ts'
import { GROUP, type Lab, test } from '../support/lab.ts'
import { latch } from '../support/latch.ts'

function watcherOf(lab: Lab, options: Partial<WatchOptions> = {}): StreamWatcher {
  const watcher = openWatcher({ name: lab.streamName }, { redis: lab.as('operator'), ...options })
  lab.onClose(() => watcher.close())
  return watcher
}

/** Reads entries as a consumer that dies of it would. */
const readAndDie = (lab: Lab, name: string, count: number, group = GROUP) =>
  lab.send('XREADGROUP', 'GROUP', group, name, 'COUNT', count, 'STREAMS', lab.streamName, '>')

async function publish(lab: Lab, events: number): Promise<string[]> {
  const producer = lab.producer()
  const published = await Promise.all(range(events).map((n) => producer.publish('counted', { n })))
  return published.map(({ entryId }) => entryId)
}

async function lookInto(watcher: StreamWatcher, group = GROUP) {
  const look = await watcher.look([group])
  const found = look.groups.find((one) => one.group === group)
  if (!found) throw new Error(`no group ${group}`)
  return found
}

describe('who watches a stream', () => {
  test('sees what each consumer holds, and who took over what from a dead one', async ({ lab }) => {
    const consumer = await lab.consumer({ leaseMs: 1_000, blockMs: 200, handlers: { counted() {} } })
    await consumer.stop()
    const ids = await publish(lab, 3)
    await readAndDie(lab, 'dead', 3)
    const watcher = watcherOf(lab)

    const before = await lookInto(watcher)
    expect(before).toMatchObject({ pending: 3, lag: 0, leaseMs: undefined, settled: 0, consumers: 1, takeovers: [] })
    const entries = ids.map((entryId) => ({ entryId, attempt: 1, idleMs: expect.any(Number) }))
    expect(before.holders).toMatchObject([{ name: 'dead', consumer: 'dead', role: 'own', pending: 3, entries }])

    const sibling = await lab.consumer({ leaseMs: 1_000, blockMs: 200 })
    await sibling.reports.until('all are handled', (reports) => reports.settled('ack').length === 3)
    const after = await lookInto(watcher)
    expect(after).toMatchObject({ pending: 0, settled: 3, failed: 0 })
    expect(after.takeovers).toMatchObject([
      { from: { consumer: 'dead' }, to: { consumer: sibling.name }, count: 3, entryIds: ids },
    ])
    const [takeover] = after.takeovers ?? []
    expect(takeover?.idleMs).toBeGreaterThanOrEqual(1_000)
    expect(Math.abs((takeover?.at ?? 0) - Date.now())).toBeLessThan(60_000)
  })

  test('sees that an entry which was delivered before is set apart, not taken over', async ({ lab }) => {
    lab.mayLeavePending = true
    const joined = await lab.consumer({ leaseMs: 500, blockMs: 200 })
    const [entryId = ''] = await publish(lab, 1)
    await joined.reports.until('it is handled', (reports) => reports.settled('ack').length === 1)
    await lab.bringBack([entryId], { deliveries: 2, idleMs: 60_000 })
    await joined.reports.until('it is handled again', (reports) => reports.settled('ack').length === 2)
    expect((await lookInto(watcherOf(lab))).takeovers).toMatchObject([
      { from: { consumer: 'dead' }, to: { name: '~suspect', role: 'suspects' }, count: 1, entryIds: [entryId] },
    ])
  })

  test('sees whose entries were taken over, under whatever name', async ({ lab }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    await publish(lab, 1)
    await readAndDie(lab, 'c~left', 1)
    const { name, reports } = await lab.consumer({ leaseMs: 500, blockMs: 200 })
    await reports.until('it is handled', () => reports.settled('ack').length === 1)
    expect((await lookInto(watcherOf(lab))).takeovers).toMatchObject([
      { from: { name: 'c~left', consumer: 'c', role: 'left' }, to: { name, consumer: name, role: 'own' } },
    ])
  })

  test('sees failures: each retry and each dead letter', async ({ lab }) => {
    const handlers = {
      counted: ({ data }: { data: { n: number } }, { attempt }: { attempt: number }) => {
        if (data.n === 0) reject('never')
        if (attempt < 3) throw new Error('not yet')
      },
    }
    const consumer = await lab.consumer({ handlers, retry: { delayMs: () => 1 } })
    await publish(lab, 2)
    await consumer.reports.until('both are settled', (reports) => reports.settled('ack').length === 1)
    await consumer.reports.until('one is dead', (reports) => reports.settled('dead-letter').length === 1)
    expect(await lookInto(watcherOf(lab))).toMatchObject({ failed: 3, deadLetters: 1, settled: 2 })
  })

  test('sees what a group has settled from its first entry on, wherever it began', async ({ lab }) => {
    await publish(lab, 3)
    await lab.send('XGROUP', 'CREATE', lab.streamName, 'from the beginning', '0')
    await lab.send('XGROUP', 'CREATE', lab.streamName, 'from the end', '$')
    const watcher = watcherOf(lab)
    const settled = async () =>
      (await watcher.look()).groups.map(({ group, settled }) => [group.replace('from the ', ''), settled])
    expect(await settled()).toEqual([
      ['beginning', 0],
      ['end', 3],
    ])
    await publish(lab, 2)
    for (const group of ['from the beginning', 'from the end']) {
      await lab.send('XREADGROUP', 'GROUP', group, 'one', 'COUNT', 2, 'NOACK', 'STREAMS', lab.streamName, '>')
    }
    expect(await settled()).toEqual([
      ['beginning', 2],
      ['end', 5],
    ])
  })

  test('is shown a bounded part, shared out evenly, and only of the groups named', async ({ lab }) => {
    lab.mayLeavePending = true
    for (const group of ['a', 'b', 'c']) await lab.send('XGROUP', 'CREATE', lab.streamName, group, '0', 'MKSTREAM')
    await publish(lab, 40)
    for (const name of ['one', 'two']) await readAndDie(lab, name, 15, 'a')
    await readAndDie(lab, 'three', 40, 'b')
    const watcher = watcherOf(lab, { entries: 20, perName: 8 })
    const { groups } = await watcher.look(['a', 'b', 'unknown'])
    const shown = (group: string) =>
      groups
        .find((one) => one.group === group)
        ?.holders?.map(({ name, pending, entries }) => [name, pending, entries.length])
    // 20 entries for three groups are 6 for each; and two names share what a group has.
    expect([shown('a'), shown('b'), shown('c')]).toEqual([
      [
        ['one', 15, 3],
        ['two', 15, 3],
      ],
      [['three', 40, 6]],
      undefined,
    ])
    expect(groups.map(({ group, pending, lag }) => [group, pending, lag])).toEqual([
      ['a', 30, 10],
      ['b', 40, 0],
      ['c', 0, 40],
    ])
  })

  test('sees names that stand for no process apart', async ({ lab }) => {
    lab.mayLeavePending = true
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    await publish(lab, 7)
    const names = ['c', 'c~alone', 'c~suspect', 'c~left', '~suspect', '~retry', '~paused~counted']
    for (const name of names) await readAndDie(lab, name, 1)
    const { holders, waitingForRetry, pending, consumers } = await lookInto(watcherOf(lab))
    expect(holders?.map(({ consumer, role }) => [consumer, role]).sort()).toEqual([
      ['', 'suspects'],
      ['c', 'alone'],
      ['c', 'left'],
      ['c', 'own'],
      ['c', 'suspect'],
    ])
    expect({ waitingForRetry, pending, consumers }).toEqual({ waitingForRetry: 2, pending: 5, consumers: 1 })
  })

  test('sees an empty stream', async ({ lab }) => {
    expect(await watcherOf(lab).look([GROUP])).toMatchObject({ length: 0, groups: [] })
  })

  test('sees the same lag as everybody where Redis does not know it; one group is counted at each look', async ({
    lab,
  }) => {
    const names = ['a', 'b', 'c']
    for (const name of names) await lab.send('XGROUP', 'CREATE', lab.streamName, name, '0', 'MKSTREAM')
    const ids = await publish(lab, 150)
    await lab.send('XDEL', lab.streamName, ids[75] as string)
    const watcher = watcherOf(lab)
    const lags = (groups: { lag: number; isLagExact: boolean }[]) =>
      groups.map(({ lag, isLagExact }) => (isLagExact ? lag : `at least ${lag}`))
    expect(lags((await watcher.look()).groups)).toEqual([149, 'at least 0', 'at least 0'])
    await lab.until('all are counted', async () => (await watcher.look()).groups.every(({ isLagExact }) => isLagExact))
    expect(lags((await watcher.look()).groups)).toEqual(lags((await lab.inspect()).groups))
    // What has changed since is counted, too, and what Redis knows again is not.
    await publish(lab, 1)
    await lab.send('XGROUP', 'SETID', lab.streamName, 'a', '$')
    const isCounted = async () => lags((await watcher.look()).groups).join() === '0,150,150'
    await lab.until('the new figures', isCounted)
  })

  test('knows how many consumers live, and for how long none has given a sign of life', async ({ lab }) => {
    lab.mayLeavePending = true
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const watcher = watcherOf(lab)
    const living = async () => {
      const seen = [await lab.group(), await lookInto(watcher)]
      return seen.map(({ alive, silentMs }) => [alive, silentMs === undefined ? 'never' : silentMs < 60_000])
    }
    const bothSay = (alive: number, silence: boolean | 'never') => Array(2).fill([alive, silence])
    expect(await living()).toEqual(bothSay(0, 'never'))
    await publish(lab, 4)
    for (const name of ['one', 'one~alone', 'two', 'three~left']) await readAndDie(lab, name, 1)
    const [key, hour] = [`{${lab.streamName}}:${GROUP}`, 3_600_000]
    const tell = (name: string, leaseMs: number) => lab.send('HSET', `${key}:tally`, `lease:${name}`, leaseMs)
    for (const [name, leaseMs] of [
      ['one', hour],
      ['two', 1],
      ['three', hour],
    ] as const)
      await tell(name, leaseMs)
    const untilBothSay = (what: string, alive: number, silence: boolean) =>
      lab.until(what, async () => JSON.stringify(await living()) === JSON.stringify(bothSay(alive, silence)))
    await untilBothSay('one of them lives', 1, true)
    await tell('one', 1)
    await untilBothSay('nobody lives', 0, true)
    // Somebody looks for what may be claimed: of a consumer that is given nothing, older versions of Redis see no more.
    await lab.send('SET', `${key}:clock`, `${Date.now()} 0`)
    expect(await living()).toEqual(bothSay(1, true))
    await lab.send('SET', `${key}:clock`, `${Date.now() - hour} 0`)
    expect(await living()).toEqual(bothSay(0, true))
  })

  test('knows what each consumer is: working, idle, silent or gone, as whoever looks once', async ({ lab }) => {
    lab.mayLeavePending = true
    const gate = latch()
    lab.onClose(async () => gate.resolve())
    const handlers = { counted: () => gate.promise }
    const living = await lab.consumer({ consumer: 'living', leaseMs: 1_000, blockMs: 100, handlers })
    await publish(lab, 1)
    const watcher = watcherOf(lab)
    const states = async () => {
      const seen = [(await lab.group()).consumers, (await lookInto(watcher)).holders ?? []]
      return seen.map((all) => Object.fromEntries(all.map(({ name, state }) => [name, state])))
    }
    const untilBothSay = (name: string, state: string) =>
      lab.until(`${name} is ${state}`, async () => (await states()).every((all) => all[name] === state))
    await untilBothSay('living', 'working')
    // Nobody takes what the other one holds. Meanwhile the handler runs for longer than its lease.
    await lab.openControls().pause()
    await living.reports.until('it is paused', (reports) => reports.of('paused').length === 1)
    await publish(lab, 1)
    await lab.send('HSET', `{${lab.streamName}}:${GROUP}:tally`, 'lease:dead', 4_000)
    await readAndDie(lab, 'dead', 1)
    await untilBothSay('dead', 'silent')
    expect(await states()).toMatchObject([{ living: 'working' }, { living: 'working' }])
    await untilBothSay('dead', 'gone')
    gate.resolve()
    await living.reports.until('it is handled', (reports) => reports.settled('ack').length >= 1)
    await untilBothSay('living', 'idle')
    await living.stop()
  })

  test('sees that a consumer lives which has nothing to do, however long its reads may wait', async ({
    lab: shared,
  }) => {
    const { lab } = await shared.ownRedis()
    await lab.consumer({ leaseMs: 500, blockMs: 60_000 })
    const reads = async () => Number(/xreadgroup:calls=(\d+)/.exec(await lab.send('INFO', 'commandstats'))?.[1] ?? 0)
    await lab.until('it reads again and again', async () => (await reads()) >= 3)
  })

  test('knows the longest lease of the consumers that have a name', async ({ lab }) => {
    const first = await lab.consumer({ consumer: 'first', leaseMs: 30_000 })
    const second = await lab.consumer({ consumer: 'second', leaseMs: 5_000 })
    await publish(lab, 20)
    const watcher = watcherOf(lab)
    // Redis 7.0 knows a consumer only once it has been given an entry.
    await lab.until('all are handled', async () => (await lookInto(watcher)).settled === 20)
    for (const name of ['first', 'second']) await lab.send('XGROUP', 'CREATECONSUMER', lab.streamName, GROUP, name)
    expect((await lookInto(watcher)).leaseMs).toBe(30_000)
    await first.stop()
    expect((await lookInto(watcher)).leaseMs).toBe(5_000)
    await second.stop()
    expect((await lookInto(watcher)).leaseMs).toBeUndefined()
  })
})

describe('what is written down for who watches', () => {
  /** A group in which entries are taken over, fail, and die, with a consumer that may write nothing of it down. */
  async function work(lab: Lab, redis?: string) {
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    await publish(lab, 3)
    await readAndDie(lab, 'dead', 2)
    const consumer = await lab.consumer({
      ...(redis && { redis }),
      ...{ leaseMs: 500, blockMs: 200, retry: { maxDeliveries: 3, delayMs: () => 1 }, idempotency: {} },
      handlers: {
        counted: ({ data }) => {
          if (data.n === 2) throw new Error('never')
        },
      },
    })
    await consumer.reports.until('all are settled', (reports) => {
      return reports.settled('ack').length === 2 && reports.settled('dead-letter').length === 1
    })
    const [letter] = await lab.deadLetters()
    expect(letter?.history.map(({ attempt, error }) => [attempt, error])).toEqual(
      [1, 2, 3].map((attempt) => [attempt, 'never']),
    )
    return consumer
  }

  test('stops nothing where its keys hold something else', async ({ lab }) => {
    for (const word of ['tally', 'takeovers']) await lab.send('SET', `{${lab.streamName}}:${GROUP}:${word}`, 'mine')
    const consumer = await work(lab)
    const expected = { failed: 0, leaseMs: undefined, takeovers: [], deadLetters: 1, settled: 3 }
    expect(await lookInto(watcherOf(lab))).toMatchObject(expected)
    await consumer.stop()
    expect(await lab.openGroups().delete(GROUP, { dryRun: true })).toMatchObject({ existed: true })
  })

  test('stops nothing where the user may not count, as before an upgrade', async ({ lab }) => {
    const { redis, lab: own } = await lab.ownRedis()
    const { needed } = rights.consumer
    await own.send('ACL', 'SETUSER', 'old', 'on', 'nopass', ...keyRules(own.streamName), ...needed)
    await work(own, `redis://old:any@127.0.0.1:${redis.port}`)
    const takeovers = [{ from: { consumer: 'dead' }, count: 2 }]
    expect(await lookInto(watcherOf(own))).toMatchObject({ failed: 0, leaseMs: 500, takeovers, settled: 3 })
  })
})
