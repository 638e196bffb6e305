import { setTimeout as sleep } from 'node:timers/promises'
import { sendOnce } from '@redis-streams-processor/testbed'
import type { Arena } from '../arena.ts'
import { GROUP } from '../contestants/redis-client.ts'
import type { Sample, Scenario } from '../scenario.ts'
import type { WorkerProcess } from '../worker-process.ts'
import { costs } from './costs.ts'

const SMALL = { quick: 500, normal: 10_000, full: 10_000 }
const LARGE = { quick: 2_000, normal: 200_000, full: 1_000_000 }
/** For ten seconds and more after a large fill, Redis is busy with giving back memory that filling took. */
const REST_MS = { quick: 0, normal: 15_000, full: 15_000 }
const LONG = { quick: 2_000, normal: 500_000, full: 10_000_000 }
/** The pending entries of somebody else stay his meanwhile. */
const LEASE_MS = 600_000

export const growth: Scenario = {
  about:
    'cost per event beside much that waits, against little: a backlog, a pending list (1 million against 10,000 with --full, 200,000 otherwise); resident memory of one consumer over 10 million events (500,000)',
  figures: [
    { key: 'backlogTime', title: 'backlog: time', unit: 'times', better: 'less', decimals: 2 },
    { key: 'backlogServer', title: 'backlog: server CPU', unit: 'times', better: 'less', decimals: 2 },
    { key: 'pendingTime', title: 'pending: time', unit: 'times', better: 'less', decimals: 2 },
    { key: 'pendingServer', title: 'pending: server CPU', unit: 'times', better: 'less', decimals: 2 },
    { key: 'memoryFirstMb', title: 'memory after a tenth', unit: 'MB', better: 'less', decimals: 1 },
    { key: 'memoryLastMb', title: 'memory at the end', unit: 'MB', better: 'less', decimals: 1 },
  ],
  contestants: (name) => name === 'ours' || name === 'bare',

  async measure(arena, size) {
    const [small, large] = [SMALL[size], LARGE[size]]
    const publisher = await arena.start()
    const consumer = await arena.startConsumer({ queue: 'warm-up', kind: 'count' })
    const warmUp = await publisher.publish({ queue: 'warm-up', count: small })
    await arena.untilAcknowledged([consumer], small, [warmUp])
    await consumer.stopConsuming()

    /** What `small` events cost when so many wait beside them in the backlog, or in the pending list. */
    const measure = async (queue: string, backlog: number, pending: number): Promise<Sample> => {
      await fill(publisher, queue, pending + backlog)
      await holdElsewhere(arena, queue, pending)
      await sleep(REST_MS[size])
      return consume(arena, consumer, queue, small)
    }
    // The same again first, because a first one costs more.
    await measure('again', small, 0)
    const backlogs = [await measure('backlog-small', small, 0), await measure('backlog-large', large, 0)]
    const pendings = [await measure('pending-small', small, small), await measure('pending-large', small, large)]
    return {
      backlogTime: ratio(backlogs, 'us'),
      backlogServer: ratio(backlogs, 'serverCpuUs'),
      pendingTime: ratio(pendings, 'us'),
      pendingServer: ratio(pendings, 'serverCpuUs'),
      ...(await memoryOver(arena, publisher, LONG[size])),
    }
  },
}

const ratio = ([small, large]: Sample[], key: string) => (large?.[key] ?? 0) / (small?.[key] ?? 0)

async function fill(publisher: WorkerProcess, queue: string, events: number): Promise<void> {
  const piece = 50_000
  for (let left = events; left > 0; left -= piece) await publisher.publish({ queue, count: Math.min(left, piece) })
}

/** Delivers the oldest entries to a consumer that never acknowledges. */
async function holdElsewhere({ server }: Arena, queue: string, entries: number): Promise<void> {
  if (entries === 0) return
  const read = `return #redis.call('XREADGROUP', 'GROUP', '${GROUP}', 'somebody', 'COUNT', ARGV[1], 'STREAMS', KEYS[1], '>')[1][2]`
  await sendOnce(server.url, ['XGROUP', 'CREATE', queue, GROUP, '0'])
  for (let left = entries; left > 0; left -= 1_000)
    await sendOnce(server.url, ['EVAL', read, '1', queue, String(Math.min(left, 1_000))])
}

/** What it costs to consume at least so many of the events in this queue. */
async function consume(arena: Arena, consumer: WorkerProcess, queue: string, events: number): Promise<Sample> {
  const before = await arena.read()
  await consumer.consume({ queue, kind: 'count', leaseMs: LEASE_MS })
  await arena.until('events are acknowledged', () => arena.total([consumer], 'acknowledged') >= events)
  // Before it stops: giving back what it has read ahead, which a small backlog leaves nothing of, is no cost of an event.
  const after = await arena.read()
  const done = arena.total([consumer], 'acknowledged')
  const ms = arena.lastAcknowledgedAt([consumer]) - (consumer.progress?.firstHandledAt ?? 0)
  await consumer.stopConsuming()
  return { us: (ms * 1_000) / done, ...costs(before, after, done) }
}

/** The resident memory of a new consumer process after a tenth of the events, and after all. */
async function memoryOver(arena: Arena, publisher: WorkerProcess, events: number): Promise<Sample> {
  const queue = 'long'
  const consumer = await arena.startConsumer({ queue, kind: 'count' })
  const tenths: number[] = []
  for (let tenth = 1; tenth <= 10; tenth += 1) {
    await fill(publisher, queue, events / 10)
    const expected = (tenth * events) / 10
    await arena.until('the events are acknowledged', () => arena.total([consumer], 'acknowledged') >= expected)
    tenths.push((await consumer.usage()).rssBytes / 1_000_000)
  }
  return { memoryFirstMb: tenths[0], memoryLastMb: tenths[9] }
}
