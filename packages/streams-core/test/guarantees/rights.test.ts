import { until } from '@redis-streams-processor/testbed'
import { describe, expect } from 'vitest'
import {
  examineStream,
  findEvent,
  GroupAtWorkError,
  inspectStream,
  listPending,
  openControls,
  openDeadLetters,
  openGroups,
  openWatcher,
  reject,
  tailStream,
  trimStream,
} from '../../src/index.ts'
import { commandRules, keyRules, type Program, rights } from '../../src/settings.ts'
import { range } from '../support/events.ts'
import { GROUP, Lab, test } from '../support/lab.ts'

// With the rights of the list everything works; without any one of those that are needed, something fails. The other
// tests of the promises run with these rights, too: see `Lab`.

/** @param redis The URL of the user whose rights are tried. */
type Work = (lab: Lab, redis: string) => Promise<void>

/** Stands in the rules for the stream of a test. */
const STREAM = 'user_events'
const STUCK = { timeoutMs: 10_000 }

const readByHand = (lab: Lab) =>
  lab.send<[string, [id: string][]][]>('XREADGROUP', 'GROUP', GROUP, 'dead', 'STREAMS', lab.streamName, '>')

/** Publishes, the same id twice too, makes room at the cap, and drops the oldest with the lossy policy. */
const produce: Work = async (lab, redis) => {
  await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
  const capped = lab.producer({ redis }, { maxLength: 3, keepAtLeast: 1 })
  await capped.ready()
  for (const id of ['a', 'a']) await capped.publish('counted', { n: 1 }, { id })
  // As if the window were over: the next publish deletes a bucket of event ids.
  await lab.send('SET', `{${lab.streamName}}:dedupe`, '0 0 0 0')
  for (const id of ['b', 'c']) await capped.publish('counted', { n: 1 }, { id })
  const entryIds = (await readByHand(lab))[0]?.[1].map(([id]) => id) ?? []
  await lab.send('XACK', lab.streamName, GROUP, ...entryIds)
  await capped.publish('counted', { n: 2 })
  await readByHand(lab)
  const lossy = lab.producer({ redis }, { policy: 'maxlen', maxLength: 1 })
  await Promise.all(range(200).map((n) => lossy.publish('counted', { n })))
  expect((await lab.group()).droppedUnread).toBeGreaterThan(0)
  // For the metrics of the producer service: without the right to look, they are left out.
  await inspectStream({ name: lab.streamName }, { redis }).catch(() => {})
}

/** Joins, runs a crash suspect alone, settles deliveries in every way, tidies the stream, and leaves nothing behind. */
const consume: Work = async (lab, redis) => {
  const producer = lab.producer()
  await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
  const { entryId } = await producer.publish('noted', { text: 'suspect' })
  await readByHand(lab)
  await lab.bringBack([entryId], { deliveries: 2, idleMs: 60_000 })
  for (const n of range(4)) await producer.publish('counted', { n })
  await lab.openControls().limit(100)
  const consumer = lab.startConsumer({
    ...{ redis, leaseMs: 1_000, blockMs: 200, retry: { delayMs: () => 1 }, idempotency: {} },
    handlers: {
      counted: async ({ data }, { attempt, commit }) => {
        if (data.n === 0 && attempt === 1) throw new Error('once')
        if (data.n === 1) reject('never')
        if (data.n === 2) await commit([['SET', `{${lab.streamName}}:own:counter`, 1]])
      },
    },
  })
  const outcomes = () => consumer.reports.settled().map(({ outcome }) => outcome.type)
  const settled = until('the consumer settles 6 deliveries', () => outcomes().length === 6, STUCK)
  await Promise.race([settled, consumer.done])
  await consumer.stop()
  expect(outcomes().sort()).toEqual(['ack', 'ack', 'ack', 'committed', 'dead-letter', 'retry'])
  expect(consumer.reports.of('quarantined')).toHaveLength(1)
  expect([...(await lab.view().consumers()).keys()]).not.toContain(consumer.name)
}

/** Looks at the stream and at its dead letters, redrives and purges; finds an event, sets a group back, trims, deletes;
 * controls the group; lists, tails, examines, publishes. */
const operate: Work = async (lab, redis) => {
  const consumer = await lab.consumer({ handlers: { counted: () => reject('never') } })
  await Promise.all(range(3).map((n) => lab.producer().publish('counted', { n })))
  await until('3 events are dead letters', () => consumer.reports.settled('dead-letter').length === 3, STUCK)
  await consumer.stop()
  // Redis does not know the lag after this, so that it is counted.
  const [, newest] = await Promise.all(range(2).map((n) => lab.producer().publish('counted', { n })))
  await lab.send('XDEL', lab.streamName, newest?.entryId ?? '')
  const stream = { name: lab.streamName }
  expect((await inspectStream(stream, { redis })).groups).toMatchObject([{ deadLetters: 3, lag: 1 }])
  const letters = openDeadLetters(stream, { redis, group: GROUP })
  lab.onClose(() => letters.close())
  const ids: string[] = []
  for await (const { letterId } of letters.list()) ids.push(letterId)
  expect(await letters.get(ids[0] ?? '')).toMatchObject({ reason: 'rejected' })
  await letters.redriveOne(ids[0] ?? '')
  expect(await letters.redrive({ dryRun: true })).toMatchObject({ redriven: 2 })
  expect(await letters.purge({ confirm: GROUP })).toMatchObject({ purged: 2 })
  expect(await letters.count()).toBe(0)
  const watcher = openWatcher(stream, { redis })
  lab.onClose(() => watcher.close())
  expect((await watcher.look([GROUP])).groups).toMatchObject([{ failed: 3, lag: 2, takeovers: [] }])
  const state = (await findEvent(stream, '1-1', { redis })).entries[0]?.groups[0]?.state
  expect(state).toEqual({ type: 'unknown', why: 'gone' })
  expect(await findEvent(stream, 'nowhere', { redis })).toMatchObject({ entries: [], letters: [] })

  const controls = openControls(stream, { redis, group: GROUP })
  lab.onClose(() => controls.close())
  await controls.pause()
  // A grant that begins in a minute.
  const beginsUs = (Date.now() + 60_000) * 1_000
  await lab.send('ZADD', `{${lab.streamName}}:${GROUP}:starts`, beginsUs, `${beginsUs}-1`)
  await controls.limit(1)
  expect(await controls.state()).toMatchObject({ paused: { by: 'operator' }, limitPerSecond: 1 })
  await controls.resume()

  const groups = openGroups(stream, { redis, leaseMs: 500 })
  lab.onClose(() => groups.close())
  await lab.send('XGROUP', 'CREATECONSUMER', lab.streamName, GROUP, 'idle')
  expect((await groups.pruneConsumers(GROUP, { idleMs: 0 })).pruned).toMatchObject([{ name: 'idle' }])
  const whenFree = <T>(work: () => Promise<T>) => until('the group is free', () => work().catch(unlessAtWork), STUCK)
  expect(await whenFree(() => groups.replay(GROUP, { from: 'end' }))).toMatchObject({ skipped: 2 })
  expect(await trimStream(stream, { redis })).toMatchObject({ trimmed: 4, length: 1 })
  for await (const event of listPending(stream, { redis, group: GROUP })) expect(event).toBeUndefined()
  const tailing = new AbortController()
  let tailed = 0
  await lab.producer().publish('counted', { n: 1 })
  for await (const _ of tailStream(stream, { redis, last: 1, signal: tailing.signal })) {
    await lab.producer().publish('counted', { n: 2 })
    if (tailed++) tailing.abort()
  }
  expect((await examineStream(stream, { redis })).clockAheadMs).toBeDefined()
  expect(await whenFree(() => groups.delete(GROUP))).toMatchObject({ existed: true })
  // An operator publishes, too.
  await lab.send('UNLINK', lab.streamName)
  await produce(lab, redis)
}

function unlessAtWork(error: unknown): undefined {
  if (!(error instanceof GroupAtWorkError)) throw error
}

/** Every key and every command in the rules, also those in a selector. */
const WORD = /[~+][^\s()]+/g
const wordsOf = (rules: readonly string[]): string[] => rules.join(' ').match(WORD) ?? []

/** The rules without the word at this place. */
function without(rules: readonly string[], place: number): string[] {
  let next = 0
  const left = rules.map((rule) => rule.replace(WORD, (word) => (next++ === place ? '' : word)))
  return left.map((rule) => rule.replace(/ +/g, ' ')).filter((rule) => rule !== '')
}

async function startRedis(shared: Lab) {
  const { redis, lab: admin } = await shared.ownRedis()
  admin.mayLeavePending = true
  let users = 0
  /** Works as a user with these rules, on a stream of its own. Returns what Redis has denied it. */
  async function workWith(work: Work, rules: readonly string[]): Promise<string[]> {
    const lab = new Lab(redis.url)
    lab.mayLeavePending = true
    users += 1
    const user = `user_${users}`
    const ofStream = rules.map((rule) => rule.replaceAll(STREAM, lab.streamName))
    await admin.send('ACL', 'SETUSER', user, 'on', '>secret', ...ofStream)
    try {
      await work(lab, `redis://${user}:secret@127.0.0.1:${redis.port}`)
    } finally {
      await lab.close()
    }
    const log = await admin.send<string[][]>('ACL', 'LOG')
    return log.filter((entry) => entry.includes(user)).map((entry) => String(entry[entry.indexOf('object') + 1]))
  }
  return { admin, workWith }
}

describe('the rights', () => {
  test.for<[Program, Work]>([
    ['producer', produce],
    ['consumer', consume],
    ['operator', operate],
    // Each right is left out once, and what lacks it waits in vain.
  ])('are what a %s needs, and no more', { timeout: 180_000 }, async ([user, work], { lab: shared }) => {
    const { admin, workWith } = await startRedis(shared)
    const { optional } = rights[user]
    const needed = [...keyRules(STREAM), ...commandRules(user, rights[user].needed, STREAM)]
    expect(await workWith(work, [...needed, ...commandRules(user, optional, STREAM)])).toEqual([])
    const denied = await workWith(work, needed)
    expect(denied.filter((right) => !optional.includes(`+${right}`))).toEqual([])
    expect(denied).toContain('info')
    const examine: Work = async ({ streamName: name }, redis) => {
      const { missingRights } = await examineStream({ name }, { redis, program: user })
      expect(missingRights).toEqual({ needed: [], optional: [] })
    }
    await workWith(examine, [...needed, ...commandRules(user, optional, STREAM)])

    const isNeeded = (place: number) =>
      workWith(work, without(needed, place)).then(
        () => false,
        () => true,
      )
    const all = wordsOf(needed)
    await admin.send('SCRIPT', 'FLUSH')
    const isEvalNeeded = await isNeeded(all.indexOf('+eval'))
    const notNeeded = isEvalNeeded ? [] : ['+eval']
    const places = [...all.keys()].filter((place) => all[place] !== '+eval')
    while (places.length > 0) {
      const some = places.splice(0, 6)
      const areNeeded = await Promise.all(some.map(isNeeded))
      notNeeded.push(...some.flatMap((place, i) => (areNeeded[i] ? [] : [`${place}: ${all[place]}`])))
    }
    expect(notNeeded).toEqual([])
  })
})
