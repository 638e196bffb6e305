import { freePort, TcpProxy } from '@redis-streams-processor/testbed'
import { describe, expect } from 'vitest'
import { batch, type Context } from '../../src/index.ts'
import { asked } from '../support/asked.ts'
import { range } from '../support/events.ts'
import { GROUP, Lab, startServer, test } from '../support/lab.ts'
import { latch } from '../support/latch.ts'
import { warningsOfNode } from '../support/warnings.ts'

/** A Redis of this test's own, to be broken, behind a proxy. */
async function breakable(shared: Lab, options: string[] = []) {
  const redis = await startServer(options)
  shared.onClose(() => redis.stop())
  const proxy = await TcpProxy.start(redis.port)
  shared.onClose(() => proxy.stop())
  const lab = new Lab(redis.url)
  shared.onClose(() => lab.close())
  return { redis, proxy, lab }
}

describe('G13: self-healing', () => {
  test('Redis restarted, and killed', async ({ lab: shared }) => {
    const { redis, lab } = await breakable(shared, ['--appendfsync', 'always'])
    const consumer = await lab.consumer({ blockMs: 200 })
    const producer = lab.producer()
    for (const breakIt of [() => redis.restart(), () => redis.kill().then(() => redis.start())]) {
      const before = consumer.reports.settled('ack').length
      await breakIt()
      await producer.publish('counted', { n: 1 })
      await consumer.reports.until(
        'the consumer acknowledges a further event',
        (reports) => reports.settled('ack').length > before,
      )
    }
    expect(consumer.reports.of('trouble')).toEqual([])
  })

  test('what waited through an outage that was longer than its lease is run, if nobody else has taken it', async ({
    lab,
  }) => {
    const gate = latch()
    let starts = 0
    const counted = () => {
      starts += 1
      return starts === 1 ? gate.promise : undefined
    }
    const proxy = await lab.proxy()
    const options = { leaseMs: 1_000, concurrency: 1, maxBuffered: 1, handlers: { counted } }
    const consumer = await lab.consumer({ redis: proxy.url, ...options })
    const producer = lab.producer()
    await Promise.all(range(2).map((n) => producer.publish('counted', { n })))
    await lab.until('one runs and one waits', async () => starts === 1 && (await lab.group()).pending === 2)
    proxy.leadTo(await freePort())
    proxy.cut()
    const idle = ['XPENDING', lab.streamName, GROUP, 'IDLE', 1_500, '-', '+', 10]
    await lab.until('both leases are over', async () => (await lab.send<unknown[]>(...idle)).length === 2)
    gate.resolve()
    // The second one has its slot now, and asks for its lease in vain.
    await new Promise(setImmediate)
    proxy.leadTo(lab.port)
    await consumer.reports.until('both are acknowledged', (reports) => reports.settled('ack').length === 2)
    expect(consumer.reports.settled('abandon')).toEqual([])
    expect(consumer.reports.of('retaken')).toEqual([])
  })

  test('half-open sockets: Redis answers nothing, and later does', async ({ lab: shared }) => {
    const { redis, lab } = await breakable(shared)
    const consumer = await lab.consumer({ blockMs: 100 })
    const producer = lab.producer({ publishTimeoutMs: 40_000 })
    await producer.publish('counted', { n: 1 })
    await consumer.reports.until('the consumer acknowledges an event', (reports) => reports.settled('ack').length === 1)
    await redis.freeze()
    const publishing = producer.publish('counted', { n: 2 })
    await consumer.reports.until('the consumer loses its connection', (reports) =>
      reports.of('connection').some(({ state }) => state === 'lost'),
    )
    await redis.thaw()
    await publishing
    await consumer.reports.until('the consumer acknowledges 2 events', (reports) => reports.settled('ack').length === 2)
  })

  test('sockets cut again and again while events flow', async ({ lab: shared }) => {
    const { proxy, lab } = await breakable(shared)
    const handled = new Set<number>()
    const consumer = await lab.consumer({
      redis: proxy.url,
      leaseMs: 1_000,
      blockMs: 200,
      handlers: { counted: ({ data }) => void handled.add(data.n) },
    })
    const producer = lab.producer({ redis: proxy.url, publishTimeoutMs: 40_000 })
    const publishing = range(10).map(async (round) => {
      await Promise.all(range(50).map((n) => producer.publish('counted', { n: round * 50 + n })))
    })
    for (let cut = 0; cut < 5; cut += 1) {
      const seen = handled.size
      proxy.cut()
      await lab.until('events flow again', () => handled.size > seen || handled.size === 500)
    }
    await Promise.all(publishing)
    await lab.until('every event is handled', () => handled.size === 500)
    await lab.until('every entry is acknowledged', async () => (await lab.group()).pending === 0)
    expect(consumer.reports.settled('dead-letter')).toEqual([])
  })

  test('the reply to a read is lost: its entries are retaken, uncharged', async ({ lab: shared }) => {
    const { proxy, lab } = await breakable(shared)
    const attempts: number[] = []
    const consumer = await lab.consumer({
      redis: proxy.url,
      leaseMs: 1_000,
      blockMs: 100,
      handlers: { counted: (_, { attempt }) => void attempts.push(attempt) },
    })
    proxy.dropReplies(true)
    const producer = lab.producer()
    await Promise.all(range(5).map((n) => producer.publish('counted', { n })))
    await lab.until('the read reaches Redis', async () => (await lab.group()).pending > 0)
    proxy.dropReplies(false)
    proxy.cut()
    await lab.until('5 events start', () => attempts.length === 5)
    expect(attempts).toEqual([1, 1, 1, 1, 1])
    expect(consumer.reports.of('retaken').length).toBeGreaterThan(0)
  })

  test('after an outage, what living consumers hold is left to them', async ({ lab: shared }) => {
    const { redis, lab } = await breakable(shared)
    let release: (() => void) | undefined
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const starts: string[] = []
    const handlers = {
      counted: async (_: unknown, { consumer }: { consumer: string }) => {
        starts.push(consumer)
        await gate
      },
    }
    const options = { leaseMs: 1_500, blockMs: 100, handlers }
    const consumers = [await lab.consumer(options), await lab.consumer(options)]
    const producer = lab.producer()
    await Promise.all(range(6).map((n) => producer.publish('counted', { n })))
    await lab.until('6 events start', () => starts.length === 6)
    await redis.freeze()
    // Beyond the lease: at the end of it everything in Redis looks abandoned.
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    await redis.thaw()
    const lost = () => consumers.flatMap(({ reports }) => reports.of('lease-lost'))
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    release?.()
    await lab.until('every entry is acknowledged', async () => (await lab.group()).pending === 0)
    expect(lost()).toEqual([])
    expect(starts).toHaveLength(6)
  })

  test('after an outage, a crash suspect that a living consumer runs alone is left to it', async ({ lab: shared }) => {
    const { redis, lab } = await breakable(shared)
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const producer = lab.producer()
    const published = await Promise.all(range(2).map((n) => producer.publish('counted', { n })))
    await lab.send('XREADGROUP', 'GROUP', GROUP, 'dead', 'STREAMS', lab.streamName, '>')
    const ids = published.map(({ entryId }) => entryId)
    await lab.send('XCLAIM', lab.streamName, GROUP, 'dead', 0, ...ids, 'RETRYCOUNT', 2, 'JUSTID')
    const leaseMs = 6_000
    const starts: number[] = []
    const runOneAlone = async () => {
      const gate = latch()
      const proxy = await TcpProxy.start(redis.port)
      lab.onClose(() => proxy.stop())
      const handlers = {
        counted: ({ data }: { data: { n: number } }) => {
          starts.push(data.n)
          return gate.promise
        },
      }
      const before = starts.length
      const { reports } = await lab.consumer({ redis: proxy.url, leaseMs, blockMs: 100, handlers })
      lab.onClose(async () => gate.resolve())
      await lab.until('the consumer runs a suspect', () => starts.length > before)
      const state = () => reports.of('connection').findLast(({ connection }) => connection === 'commands')?.state
      return { proxy, reports, state, finish: gate.resolve }
    }
    const waitUntil = async (at: number) => new Promise((resolve) => setTimeout(resolve, Math.max(0, at - Date.now())))

    // The first is cut off from the start of its run: its lease looks over from `leaseMs` on.
    const first = await runOneAlone()
    const startedAt = Date.now()
    first.proxy.leadTo(1)
    first.proxy.cut()
    await waitUntil(startedAt + leaseMs / 2)
    const second = await runOneAlone()
    second.proxy.cut()
    await lab.until('the second consumer loses its connection', () => second.state() === 'lost')
    await lab.until('the second consumer is connected again', () => second.state() === 'connected')
    await waitUntil(startedAt + leaseMs + 300)
    // A consumer that is done within a lease looks for the next suspect at once.
    second.finish()
    await second.reports.until(
      'the second consumer acknowledges an event',
      (reports) => reports.settled('ack').length === 1,
    )
    await new Promise((resolve) => setTimeout(resolve, 300))
    first.proxy.leadTo(redis.port)
    await lab.until('the first consumer is connected again', () => first.state() === 'connected')
    first.finish()
    await first.reports.until('the first consumer settles an event', (reports) => reports.settled().length === 1)
    expect(first.reports.settled('ack')).toMatchObject([{ attempt: 3 }])
    expect(starts.sort()).toEqual([0, 1])
  })

  test('the group destroyed: rebuilt from its low-water mark, neither from 0 nor from $', async ({ lab }) => {
    const retention = { keepAtLeast: 10_000 }
    const consumer = await lab.consumer({ blockMs: 100 }, retention)
    const producer = lab.producer({}, retention)
    await Promise.all(range(50).map((n) => producer.publish('counted', { n })))
    await consumer.reports.until(
      'the consumer acknowledges 50 events',
      (reports) => reports.settled('ack').length === 50,
    )
    const { lastDeliveredId } = await lab.group()
    const marks = `{${lab.streamName}}:marks`
    await lab.until('the low-water mark is stored', async () =>
      (await lab.send<string>('HGET', marks, GROUP))?.startsWith(`${lastDeliveredId} `),
    )
    await lab.send('XGROUP', 'DESTROY', lab.streamName, GROUP)
    await Promise.all(range(5).map((n) => producer.publish('counted', { n: 50 + n })))
    await consumer.reports.until(
      'the consumer acknowledges 55 events',
      (reports) => reports.settled('ack').length === 55,
    )
    expect(consumer.reports.of('group-rebuilt')).toEqual([
      { kind: 'group-rebuilt', group: GROUP, startId: lastDeliveredId, newestId: expect.any(String) },
    ])
  })

  test('a group that is rebuilt knows nothing of what failed before', async ({ lab }) => {
    const gate = latch()
    let runs = 0
    const consumer = await lab.consumer({
      blockMs: 100,
      retry: { delayMs: () => 600_000 },
      handlers: {
        counted: () => {
          runs += 1
          if (runs === 1) throw new Error('before')
          return gate.promise
        },
      },
    })
    lab.onClose(async () => gate.resolve())
    await lab.producer().publish('counted', { n: 1 })
    await consumer.reports.until('the consumer parks an event', (reports) => reports.settled('retry').length === 1)
    const failures = () => lab.send<number>('HLEN', `{${lab.streamName}}:${GROUP}:history`)
    expect(await failures()).toBe(1)
    await lab.send('XGROUP', 'DESTROY', lab.streamName, GROUP)
    await lab.until('the event runs again', () => runs === 2)
    expect(await failures()).toBe(0)
    gate.resolve()
    await consumer.reports.until('the consumer acknowledges an event', (reports) => reports.settled('ack').length === 1)
    expect(consumer.reports.settled('ack')).toMatchObject([{ attempt: 1 }])
  })

  test('the group destroyed while its consumers are away: the stream is kept for it, for a while', async ({ lab }) => {
    const producer = lab.producer()
    const marks = `{${lab.streamName}}:marks`
    const markOf = (group: string) => lab.send<string>('HGET', marks, group)
    const away = await lab.consumer({ group: 'away' })
    const first = await producer.publish('counted', { n: 0 })
    await lab.until('the low-water mark is stored', async () => (await markOf('away'))?.startsWith(`${first.entryId} `))
    await away.stop()
    await lab.send('XGROUP', 'DESTROY', lab.streamName, 'away')
    const consumer = await lab.consumer()
    for (const n of range(300)) await producer.publish('counted', { n: n + 1 })
    const tidied = async () => {
      const { lastDeliveredId } = await lab.group()
      await lab.until('the janitor has looked', async () => (await markOf(GROUP))?.startsWith(`${lastDeliveredId} `))
      return (await lab.inspect()).length
    }
    await consumer.reports.until(
      'the consumer acknowledges 301 events',
      (reports) => reports.settled('ack').length === 301,
    )
    expect(await tidied()).toBeGreaterThanOrEqual(300)
    const numbers: number[] = []
    const back = await lab.consumer({ group: 'away', handlers: { counted: ({ data }) => void numbers.push(data.n) } })
    await lab.until('every event is handled', () => numbers.length === 300)
    expect(numbers.sort((a, b) => a - b)).toEqual(range(300).map((n) => n + 1))
    // Long gone, it holds nothing any more.
    await back.stop()
    await lab.send('XGROUP', 'DESTROY', lab.streamName, 'away')
    await lab.send('HSET', marks, 'away', `${first.entryId} ${Date.now() - 300_001}`)
    await lab.until('the stream is trimmed', async () => (await lab.inspect()).length < 200)
  })

  test('a group destroyed at ids beyond what a double holds: its mark is exact', async ({ lab }) => {
    const gate = latch()
    const handlers = { noted: () => gate.promise }
    const consumer = await lab.consumer({ blockMs: 100, handlers })
    const add = (entryId: string, type: string, data: string) => {
      const attributes = ['id', entryId, 'type', type, 'source', '/hand', 'time', '2026-11-23T10:00:00Z']
      return lab.send('XADD', lab.streamName, entryId, ...attributes, 'data', data)
    }
    const newest = ['5-18446744073709551613', '5-18446744073709551614'] as const
    await add(newest[0], 'counted', '{"n":1}')
    await consumer.reports.until('the consumer acknowledges an event', (reports) => reports.settled('ack').length === 1)
    await add(newest[1], 'noted', '{"text":"waits"}')
    const marks = `{${lab.streamName}}:marks`
    await lab.until('the consumer holds the second entry', async () => (await lab.group()).pending === 1)
    await lab.send('HDEL', marks, GROUP)
    await lab.until('the low-water mark is stored', async () =>
      (await lab.send<string>('HGET', marks, GROUP))?.startsWith(`${newest[0]} `),
    )
    await lab.send('XGROUP', 'DESTROY', lab.streamName, GROUP)
    await consumer.reports.until(
      'the consumer rebuilds its group',
      (reports) => reports.of('group-rebuilt').length === 1,
    )
    gate.resolve()
    await consumer.reports.until('the consumer acknowledges 2 events', (reports) => reports.settled('ack').length === 2)
  })

  test.for(['FLUSHALL', 'DEL'])('after %s, the consumer handles the next event', async (command, { lab: shared }) => {
    const { lab } = await breakable(shared)
    const consumer = await lab.consumer({ blockMs: 100 })
    const producer = lab.producer()
    await producer.publish('counted', { n: 1 })
    await consumer.reports.until('the consumer acknowledges an event', (reports) => reports.settled('ack').length === 1)
    await (command === 'DEL' ? lab.send('DEL', lab.streamName) : lab.send('FLUSHALL'))
    await consumer.reports.until('the consumer rebuilds its group', (reports) => reports.of('group-rebuilt').length > 0)
    await producer.publish('counted', { n: 2 })
    await consumer.reports.until('the consumer acknowledges 2 events', (reports) => reports.settled('ack').length === 2)
  })

  test('out of memory: publishes wait for room, acknowledgements go on, nothing runs hot', async ({ lab: shared }) => {
    const { lab } = await breakable(shared)
    const consumer = await lab.consumer({ blockMs: 200 })
    const producer = lab.producer({ publishTimeoutMs: 40_000 })
    await producer.publish('counted', { n: 1 })
    await consumer.reports.until('the consumer acknowledges an event', (reports) => reports.settled('ack').length === 1)
    const idle = await asked(lab)
    await lab.send('CONFIG', 'SET', 'maxmemory', '1')
    const publishing = producer.publish('counted', { n: 2 })
    const broken = await asked(lab)
    // As when nothing is wrong, and a few more: a hot loop would make thousands.
    expect(broken.commands).toBeLessThan(idle.commands + 50)
    expect(broken.connections).toBeLessThan(1)
    await lab.send('CONFIG', 'SET', 'maxmemory', '0')
    await publishing
    await consumer.reports.until('the consumer acknowledges 2 events', (reports) => reports.settled('ack').length === 2)
  })

  test('out of memory: acknowledgements do not wait for a commit that Redis refuses', async ({ lab: shared }) => {
    const { lab } = await breakable(shared)
    const [mayEnd, mayCommit] = [latch(), latch()]
    const running: string[] = []
    const consumer = await lab.consumer({
      leaseMs: 20_000,
      handlers: {
        noted: async ({ id }) => {
          running.push(id)
          await mayEnd.promise
        },
        counted: async ({ id }, { commit }) => {
          running.push(id)
          await mayCommit.promise
          await commit([['INCR', `{${lab.streamName}}:counter`]])
        },
      },
    })
    const producer = lab.producer()
    await Promise.all(range(5).map((n) => producer.publish('noted', { text: `${n}` })))
    await producer.publish('counted', { n: 1 })
    await lab.until('6 handlers run', () => running.length === 6)
    await lab.send('CONFIG', 'SET', 'maxmemory', '1')
    mayCommit.resolve()
    const refusals = async () =>
      Number(/errorstat_OOM:count=(\d+)/.exec(await lab.send('INFO', 'errorstats'))?.[1] ?? 0)
    await lab.until('the commit is refused again and again', async () => (await refusals()) >= 2)
    // So that the acknowledgements fail at their first try, and wait.
    await lab.send('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    mayEnd.resolve()
    await consumer.reports.until('5 are acknowledged', (reports) => reports.settled('ack').length === 5)
    expect(consumer.reports.settled('committed')).toHaveLength(0)
    await lab.send('CONFIG', 'SET', 'maxmemory', '0')
    await consumer.reports.until('it is committed', (reports) => reports.settled('committed').length === 1)
  })

  test.for(['a single event', 'a batch'] as const)(
    'out of memory: the drain ends a commit of %s whose handler has ended already',
    async (what, { lab: shared }) => {
      const { lab } = await breakable(shared)
      const mayCommit = latch()
      const handle = async (_: unknown, { commit }: Pick<Context, 'commit'>) => {
        await mayCommit.promise
        // Not awaited.
        commit([['INCR', `{${lab.streamName}}:counter`]]).catch(() => {})
      }
      const consumer = await lab.consumer({
        drainTimeoutMs: 1_000,
        handlers: { counted: what === 'a batch' ? batch({ maxSize: 1, handle }) : handle },
      })
      await lab.producer().publish('counted', { n: 1 })
      await lab.until('the handler has it', async () => (await lab.group()).pending === 1)
      await lab.send('CONFIG', 'SET', 'maxmemory', '1')
      mayCommit.resolve()
      await lab.until('the commit is refused', async () =>
        (await lab.send<string>('INFO', 'errorstats')).includes('OOM'),
      )
      await consumer.stop()
      const settled = consumer.reports.settled().map(({ result, outcome }) => [result, outcome])
      expect(settled).toEqual([['unserved', { type: 'release', delayMs: 0, charged: false }]])
      lab.mayLeavePending = true
    },
  )

  test.for([
    ['commit', 'maxmemory', '1'],
    ['idempotency', 'maxmemory', '1'],
    ['commit', 'min-replicas-to-write', '1'],
  ] as const)(
    '%s while %s forbids writes: a backlog waits, nothing is charged or runs hot',
    async (how, { lab: shared }) => {
      const [what, setting, value] = how
      const { lab } = await breakable(shared)
      const producer = lab.producer()
      await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
      await Promise.all(range(500).map((n) => producer.publish('counted', { n })))
      const counter = `{${lab.streamName}}:counter`
      const forbidden = await lab.send<string[]>('CONFIG', 'GET', setting)
      await lab.send('CONFIG', 'SET', setting, value)
      const consumer = lab.startConsumer({
        concurrency: 50,
        maxBuffered: 50,
        blockMs: 200,
        leaseMs: 20_000,
        retry: { maxDeliveries: 1 },
        ...(what === 'idempotency' && { idempotency: {} }),
        handlers: {
          counted: async (_, { commit }) => void (what === 'commit' && (await commit([['INCR', counter]]))),
        },
      })
      // Where nothing may be written, joining and reading wait, too.
      if (setting === 'maxmemory')
        await lab.until('the consumer holds 100 entries', async () => (await lab.group()).pending === 100)
      const { commands } = await asked(lab)
      expect(commands).toBeLessThan(150)
      expect((await lab.group()).lag).toBeGreaterThanOrEqual(400)
      await lab.send('CONFIG', 'SET', setting, forbidden[1] as string)
      await consumer.reports.until('the consumer settles 500 events', (reports) => reports.settled().length === 500)
      expect(consumer.reports.settled().every(({ attempt }) => attempt === 1)).toBe(true)
      expect(await lab.deadLetters()).toEqual([])
      if (what === 'commit') expect(await lab.send('GET', counter)).toBe('500')
    },
  )

  test('retries that Redis does not take wait, however many there are, and Node warns of nothing', async ({
    lab: shared,
  }) => {
    const { lab } = await breakable(shared)
    const warnings = warningsOfNode(shared)
    const gate = latch()
    const starts: number[] = []
    const consumer = await lab.consumer({
      concurrency: 20,
      leaseMs: 20_000,
      handlers: {
        counted: async ({ data }, { attempt }) => {
          starts.push(data.n)
          await gate.promise
          if (attempt === 1) throw new Error('once')
        },
      },
    })
    const producer = lab.producer()
    await Promise.all(range(20).map((n) => producer.publish('counted', { n })))
    await lab.until('20 events start', () => starts.length === 20)
    await lab.send('CONFIG', 'SET', 'min-replicas-to-write', '1')
    const refusals = async () =>
      Number(/errorstat_NOREPLICAS:count=(\d+)/.exec(await lab.send('INFO', 'errorstats'))?.[1])
    gate.resolve()
    await lab.until('each of them is refused', async () => (await refusals()) >= 20)
    await lab.send('CONFIG', 'SET', 'min-replicas-to-write', '0')
    await consumer.reports.until('all are handled', (reports) => reports.settled('ack').length === 20)
    expect(warnings).toEqual([])
  })

  test('LOADING: producer and consumer wait until Redis has read its data', async ({ lab: shared }) => {
    // Half a millisecond for each of 5,000 keys; every 1,024 of them it answers, and says that it is loading.
    const { redis, lab } = await breakable(shared, ['--appendfsync', 'always', '--key-load-delay', '500'])
    const consumer = await lab.consumer({ blockMs: 200 })
    const producer = lab.producer({ publishTimeoutMs: 40_000 })
    await producer.publish('counted', { n: 0 })
    await consumer.reports.until('the consumer acknowledges an event', (reports) => reports.settled('ack').length === 1)
    await lab.send('EVAL', "for i = 1, 5000 do redis.call('SET', 'key:' .. i, i) end", 0)
    await redis.kill()
    const starting = redis.start()
    const publishing = producer.publish('counted', { n: 1 })
    const answer = () => new Lab(redis.url).send('XLEN', lab.streamName).catch((error: Error) => error.message)
    await lab.until('Redis answers LOADING', async () => String(await answer()).startsWith('LOADING'))
    await starting
    await publishing
    await consumer.reports.until('the consumer acknowledges 2 events', (reports) => reports.settled('ack').length >= 2)
    expect(await lab.deadLetters()).toEqual([])
  })

  test('a producer leaves a master that has become a replica', async ({ lab: shared }) => {
    const { proxy, lab } = await breakable(shared)
    const producer = lab.producer({ redis: proxy.url, publishTimeoutMs: 40_000 })
    await producer.publish('counted', { n: 1 })
    const master = await startServer()
    shared.onClose(() => master.stop())
    await lab.send('REPLICAOF', '127.0.0.1', '1')
    const publishing = producer.publish('counted', { n: 2 })
    // The name leads to the new master now; the old connection still leads to the old one.
    proxy.leadTo(master.port)
    await publishing
    expect(await new Lab(master.url).send('DBSIZE')).toBeGreaterThan(0)
  })

  test('READONLY: consumer and producer connect again until there is a master', async ({ lab: shared }) => {
    const { lab } = await breakable(shared)
    const consumer = await lab.consumer({ blockMs: 200 })
    const producer = lab.producer({ publishTimeoutMs: 40_000 })
    await lab.send('REPLICAOF', '127.0.0.1', '1')
    const publishing = producer.publish('counted', { n: 1 })
    await consumer.reports.until('the consumer loses its connection', (reports) =>
      reports.of('connection').some(({ state }) => state === 'lost'),
    )
    // Every connection is given up and made anew, with a growing wait.
    const { commands, connections } = await asked(lab)
    expect(connections).toBeGreaterThan(0)
    expect(connections).toBeLessThan(10)
    expect(commands).toBeLessThan(60)
    await lab.send('REPLICAOF', 'NO', 'ONE')
    await publishing
    await consumer.reports.until('the consumer acknowledges an event', (reports) => reports.settled('ack').length === 1)
  })
})

describe('G13: out of memory', () => {
  test('what is acknowledged is still trimmed, retries still come, a consumer can still join', async ({
    lab: shared,
  }) => {
    const { lab } = await breakable(shared)
    let isBroken = true
    const handlers = {
      counted: () => {
        if (isBroken) throw new Error('not yet')
      },
    }
    const options = { blockMs: 100, concurrency: 100, retry: { maxDeliveries: 1_000, delayMs: () => 100 }, handlers }
    const consumer = await lab.consumer(options)
    const producer = lab.producer()
    await Promise.all(range(500).map((n) => producer.publish('counted', { n })))
    await consumer.reports.until('the consumer parks 500 events', (reports) => reports.settled('retry').length >= 500)
    await lab.send('CONFIG', 'SET', 'maxmemory', '1')
    isBroken = false
    const late = await lab.consumer(options)
    const acked = () => consumer.reports.settled('ack').length + late.reports.settled('ack').length
    await lab.until('every retry is acknowledged', () => acked() === 500)
    await lab.until('the stream is trimmed', async () => (await lab.inspect()).length < 200)
    await lab.send('CONFIG', 'SET', 'maxmemory', '0')
  })
})

describe('G13: a connection that was dropped silently', () => {
  test('the first publish after it is in time', async ({ lab: shared }) => {
    const { proxy, lab } = await breakable(shared)
    const producer = lab.producer({ redis: proxy.url })
    await producer.publish('counted', { n: 1 })
    proxy.forget()
    expect(await producer.publish('counted', { n: 2 })).toMatchObject({ duplicate: false })
    expect((await lab.inspect()).length).toBe(2)
  })

  test('the first publish after it is in time while it waits for the disk', async ({ lab: shared, skip }) => {
    const { proxy, lab } = await breakable(shared, ['--appendfsync', 'no'])
    if (!(await lab.allowFsync())) skip('this server has no WAITAOF')
    const producer = lab.producer({ redis: proxy.url, durability: 'fsync' })
    // It has reached Redis, and with `appendfsync no` nothing is written to disk meanwhile.
    const publishing = producer.publish('counted', { n: 1 })
    await lab.until('Redis has the event', async () => (await lab.inspect()).length === 1)
    proxy.forget()
    await lab.send('CONFIG', 'SET', 'appendfsync', 'always')
    expect(await publishing).toMatchObject({ duplicate: true })
  })

  test('an idle producer notices it', async ({ lab: shared }) => {
    const { proxy, lab } = await breakable(shared)
    const said: string[] = []
    const say = (_: object, message: string) => void said.push(message)
    const logger = { debug: say, info: say, warn: say, error: say }
    await lab.producer({ redis: proxy.url, logger }).ready()
    proxy.forget()
    await lab.until('the producer connects again', () => said.length === 3)
    const connected = 'connected to Redis'
    expect(said).toEqual([connected, 'no connection to Redis, trying again', connected])
  })

  test('both connections of a consumer notice it before its leases are over', async ({ lab: shared }) => {
    const { proxy, lab } = await breakable(shared)
    const gate = latch()
    const leaseMs = 4_000
    const options = { leaseMs, blockMs: 500, handlers: { counted: () => gate.promise } }
    const { reports } = await lab.consumer({ ...options, redis: proxy.url })
    await lab.producer().publish('counted', { n: 1 })
    await lab.until('the consumer holds the entry', async () => (await lab.group()).pending === 1)
    proxy.forget()
    let longestIdleMs = 0
    const count = (state: string) => reports.of('connection').filter((report) => report.state === state).length
    await lab.until('both connections are lost and made anew', async () => {
      const [entry] = await lab.send<[string, string, number][]>('XPENDING', lab.streamName, GROUP, '-', '+', 1)
      longestIdleMs = Math.max(longestIdleMs, entry?.[2] ?? 0)
      return count('lost') === 2 && count('connected') === 4
    })
    expect(longestIdleMs).toBeLessThan(leaseMs)
    gate.resolve()
    await reports.until('the consumer acknowledges the event', () => reports.settled('ack').length === 1)
    expect(reports.of('lease-lost')).toEqual([])
  })

  test('a reply that came while the event loop was blocked is not late', async ({ lab: shared }) => {
    const { lab } = await breakable(shared)
    const warnings: string[] = []
    const logger = { debug() {}, info() {}, warn: (_: object, text: string) => void warnings.push(text), error() {} }
    // Replies are late after half a second.
    const producer = lab.producer({ logger, publishTimeoutMs: 1_000 })
    await producer.ready()
    for (const blockedMs of [700, 1_500]) {
      const publishing = producer.publish('counted', { n: 1 })
      // By then the event is sent.
      await new Promise(setImmediate)
      await new Promise(setImmediate)
      const until = Date.now() + blockedMs
      while (Date.now() < until);
      expect(await publishing).toMatchObject({ duplicate: false })
    }
    expect(warnings).toEqual([])
  })

  test('a stream that is renamed away and back keeps the history of what waits for its retry', async ({ lab }) => {
    const consumer = await lab.consumer({
      blockMs: 100,
      retry: { maxDeliveries: 2, delayMs: () => 2_000 },
      handlers: {
        counted: (_, { attempt }) => {
          throw new Error(`failure ${attempt}`)
        },
      },
    })
    await lab.producer().publish('counted', { n: 1 })
    await consumer.reports.until('the event waits for its retry', (reports) => reports.settled('retry').length === 1)
    await lab.send('RENAME', lab.streamName, `${lab.streamName}-away`)
    await consumer.reports.until('the group is created again', (reports) => reports.of('group-rebuilt').length > 0)
    await lab.send('RENAME', `${lab.streamName}-away`, lab.streamName)
    await consumer.reports.until('it is dead-lettered', (reports) => reports.settled('dead-letter').length === 1)
    const [letter] = await lab.deadLetters()
    expect(letter?.history.map(({ error }) => error)).toEqual(['failure 1', 'failure 2'])
  })

  test('a group that somebody sets back is delivered everything again, and that is told', async ({ lab }) => {
    const consumer = await lab.consumer({ blockMs: 100 })
    const producer = lab.producer()
    await Promise.all(range(5).map((n) => producer.publish('counted', { n })))
    await consumer.reports.until('5 events are acknowledged', (reports) => reports.settled('ack').length === 5)
    await lab.send('XGROUP', 'SETID', lab.streamName, GROUP, '0')
    await consumer.reports.until('that is told', (reports) => reports.of('read-again').length === 1)
    await consumer.reports.until('5 events run again', (reports) => reports.settled('ack').length === 10)
  })
})
