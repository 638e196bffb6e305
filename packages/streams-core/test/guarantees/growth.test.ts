import { countClientCommands } from '@redis-streams-processor/testbed'
import { describe, expect } from 'vitest'
import { Connection } from '../../src/broker/connection.ts'
import { IntakeBroker } from '../../src/broker/intake.ts'
import { Keys } from '../../src/broker/keys.ts'
import { Member } from '../../src/broker/member.ts'
import { UpkeepBroker } from '../../src/broker/upkeep.ts'
import { range } from '../support/events.ts'
import { GROUP, type Lab, test } from '../support/lab.ts'

// What merely waits must cost nothing: no call holds Redis up for longer because more entries or groups are there.
// Commands inside scripts are counted, not time.

const LEASE_MS = 43_200_000

/** A Redis of its own, whose commands are counted, and the brokers of one consumer. */
async function counted(shared: Lab) {
  const { redis, lab } = await shared.ownRedis()
  lab.mayLeavePending = true
  const connection = new Connection({ redis: redis.url, name: 'counted' })
  lab.onClose(() => connection.close())
  await connection.ready()
  const member = new Member(connection, new Keys(lab.streamName), { group: GROUP, consumer: 'me', leaseMs: LEASE_MS })
  await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')

  /** Appends entries, and delivers them under a name. */
  async function deliver(count: number, owner: string): Promise<string[]> {
    const append =
      "local ids = {} for i = 1, ARGV[1] do ids[i] = redis.call('XADD', KEYS[1], '*', 'n', i) end return ids"
    const ids = await lab.send<string[]>('EVAL', append, 1, lab.streamName, count)
    await lab.send('XREADGROUP', 'GROUP', GROUP, owner, 'COUNT', count, 'STREAMS', lab.streamName, '>')
    return ids
  }

  /** How many commands Redis runs, those inside scripts included, for one call of the script. */
  async function commandsOf(work: () => Promise<unknown>): Promise<{ commands: number; calls: number }> {
    await work()
    await lab.send('DEL', member.keys.scanLock(GROUP, false), member.keys.janitorLock)
    await lab.send('CONFIG', 'RESETSTAT')
    await work()
    const info = await lab.send<string>('INFO', 'commandstats')
    const counts = [...info.matchAll(/cmdstat_([\w|]+):calls=(\d+)/g)].map(([, name, calls]) => [name, Number(calls)])
    const calls = new Map(counts as [string, number][])
    const commands = [...calls].filter(([name]) => !/^(config|info)/.test(name)).reduce((sum, [, n]) => sum + n, 0)
    return { commands, calls: calls.get('evalsha') ?? 0 }
  }
  return { lab, redis, member, deliver, commandsOf }
}

const CLAIM_OPTIONS = { limit: 16, maxDeliveries: 5, holdsOff: false, delayMs: 0, lockMs: 1 }

describe('what waits costs nothing', () => {
  test.for(['parked', 'suspects', 'held'] as const)('a scan of %s entries', async (kind, { lab: shared }) => {
    const { lab, member, deliver, commandsOf } = await counted(shared)
    const intake = new IntakeBroker(member)
    const counts: number[] = []
    for (const count of [100, 5_000]) {
      const owner = { parked: '~retry', suspects: '~suspect', held: 'another' }[kind]
      const ids = await deliver(count, owner)
      const due = Date.now() + 3_600_000
      if (kind === 'parked') await lab.send('ZADD', member.due, ...ids.flatMap((id) => [due, id]))
      const { commands } = await commandsOf(() => intake.claim(CLAIM_OPTIONS))
      counts.push(commands)
    }
    expect(counts[1]).toBe(counts[0])
  })

  test('one call claims no more than fits, however much is there', async ({ lab: shared }) => {
    const { member, deliver, lab } = await counted(shared)
    await deliver(5_000, 'dead~left')
    await lab.send('CONFIG', 'RESETSTAT')
    const claimed = await new IntakeBroker(member).claim(CLAIM_OPTIONS)
    expect(claimed).toMatchObject({ hasMore: true, entries: { length: 16 } })
    expect(await lab.send('INFO', 'commandstats')).toMatch(/cmdstat_xclaim:calls=16,/)
  })

  test('due times that are lost: their entries are due at once, a page a call', async ({ lab: shared }) => {
    const { member, deliver } = await counted(shared)
    await deliver(450, '~retry')
    const intake = new IntakeBroker(member)
    const ids = new Set<string>()
    let calls = 0
    for (let hasMore = true; hasMore; calls += 1) {
      const claimed = await intake.claim({ ...CLAIM_OPTIONS, limit: 100 })
      for (const { entryId } of claimed.entries) ids.add(entryId)
      hasMore = claimed.hasMore
    }
    expect(ids.size).toBe(450)
    expect(calls).toBeGreaterThan(4)
  })

  test('the janitor looks at 300 groups in pieces, and never at the entries in between', async ({ lab: shared }) => {
    const { lab, member, deliver, commandsOf } = await counted(shared)
    const ids = await deliver(2_000, 'somebody')
    await lab.send('XACK', lab.streamName, GROUP, ...ids.slice(0, -1))
    for (const n of range(299)) await lab.send('XGROUP', 'CREATE', lab.streamName, `g_${n}`, '0')
    const upkeep = new UpkeepBroker(member)
    const retention = {
      policy: 'acknowledged' as const,
      maxLength: 0,
      keepAtLeast: 0,
      keepForMs: 0,
      groups: [],
      warnAfterMs: 60_000,
    }
    const { commands, calls } = await commandsOf(() => upkeep.tidy(retention, 1, 300_000))
    expect(calls).toBe(6)
    // A call is about 50 groups: three commands for each; the last call also looks at all marks.
    expect(commands / calls).toBeLessThan(300)
    expect(await lab.send<string>('INFO', 'commandstats')).toMatch(/cmdstat_xrevrange:calls=6,/)
  })

  test('an idle consumer sends Redis four commands a second at most', async ({ lab: shared }) => {
    const { lab, redis } = await counted(shared)
    await Promise.all(range(3).map(() => lab.consumer()))
    // The first round of each loop.
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(await countClientCommands(redis.port, 5_000)).toBeLessThanOrEqual(4 * 5 * 3)
  })
})
