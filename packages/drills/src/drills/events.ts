import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { UNLUCKY_USER, userEvents } from '@redis-streams-processor/events'
import { createConsumer, createProducer } from '@redis-streams-processor/streams-core'
import { STREAM } from '../arena.ts'
import { forEveryType } from '../handlers.ts'
import { hostileEntries } from '../hostile.ts'
import { NO_EVENTS } from '../judge.ts'
import type { Drill } from '../stage.ts'

// Faults of events and of those who publish or redrive them.

/** The janitor trims whole nodes of the stream: 100 entries by default. */
const NODE = 100

const program = (name: string) => fileURLToPath(new URL(`../programs/${name}.ts`, import.meta.url))

export const malformed: Drill = {
  about: 'hostile entries written by hand with XADD, among good ones',
  events: 1_000,
  async run(stage) {
    await stage.fleet(3)
    const publishing = stage.publish({ perSecond: 1_000 })
    const hostile = hostileEntries(stage.random)
    for (const fields of hostile) {
      const entryId = await stage.arena.send<string>('XADD', STREAM.name, '*', ...fields)
      const id = fields.indexOf('id')
      // The judge knows a letter by its event id, or its entry id where it has none.
      stage.doomed.add(id >= 0 && id % 2 === 0 ? String(fields[id + 1]) : entryId)
      stage.faults += 1
    }
    await publishing
    await stage.quiet()
    stage.complainUnless(hostile.length >= 200, `only ${hostile.length} hostile entries`)
  },
}

export const streamFull: Drill = {
  about: 'a cap far below the lag of the group: publishes are refused, nothing is dropped, all is handled later',
  events: 55_000,
  async run(stage) {
    const behind = Math.floor((stage.options.events * 10) / 11)
    const maxLength = Math.floor(behind / 5)
    await stage.publish({ ids: stage.ids.slice(0, behind) })
    const capped = stage.publisher(stage.arena.redis.url, { maxLength })
    const rest = capped.publishAll({ ids: stage.ids.slice(behind) })
    await stage.sees('a publish is refused', () => capped.refused > 0, 20_000)
    const length = await stage.arena.send<number>('XLEN', STREAM.name)
    const { openWork } = await stage.arena.group(stage.group).state()
    stage.complainUnless(length === behind, `${length} entries of ${behind} at the cap`)
    stage.complainUnless(openWork === behind, `${openWork} entries of ${behind} to do at the cap`)
    stage.faults = capped.refused
    await stage.fleet(3, { CONCURRENCY: '128', WORK_MS: '0', MAX_LENGTH: String(maxLength), LOG_LEVEL: 'info' })
    await rest
    await stage.quiet()
  },
}

export const slowGroup: Drill = {
  about: 'one group is far slower than the other: it holds the stream, and gets everything',
  events: 5_000,
  async run(stage) {
    stage.groups = ['drill_group', 'slow_group']
    await stage.arena.send('XGROUP', 'CREATE', STREAM.name, 'slow_group', '0')
    await stage.fleet(2)
    await stage.fleet(1, { GROUP: 'slow_group', WORK_MS: '40', CONCURRENCY: '16' })
    stage.faults = 1
    await stage.publish()
    await stage.quiet()
  },
}

export const duplicatePublish: Drill = {
  about: 'publishers are SIGKILLed between request and answer, and publish the same ids again',
  events: 3_000,
  async run(stage) {
    const kills = stage.options.quick ? 3 : 10
    const length = () => stage.arena.send<number>('XLEN', STREAM.name)
    for (let i = 0; i <= kills; i += 1) {
      const env = {
        REDIS_URL: stage.arena.proxy.url,
        EVENTS: String(stage.options.events),
        SEED: String(stage.options.seed),
      }
      const publisher = stage.arena.start(program('publish'), env)
      if (i === kills) {
        stage.complainUnless((await publisher.exited()) === 0, 'the last publisher failed')
        break
      }
      await publisher.waitFor(({ msg }) => msg === 'publishing')
      // Without an event that its successor publishes again, a kill would prove nothing.
      await stage.sees('an event is appended', async () => (await length()) > 0)
      await sleep(stage.random.whole(0, 30))
      stage.arena.proxy.dropReplies(true)
      await sleep(stage.random.whole(0, 100))
      publisher.kill('SIGKILL')
      await publisher.exited()
      stage.arena.proxy.cut()
      stage.arena.proxy.dropReplies(false)
      stage.faults += 1
    }
    const entries = await length()
    stage.complainUnless(entries === stage.options.events, `${entries} entries of ${stage.options.events} events`)
    await stage.fleet(3)
    await stage.quiet()
  },
}

export const redriveKill: Drill = {
  about: 'a redrive is SIGKILLed in the middle and begun again: each letter comes back once',
  events: 1_000,
  async run(stage) {
    const failing = await stage.fleet(2, { FAIL_UNLUCKY: 'yes' })
    await stage.publish({ userOf: () => UNLUCKY_USER })
    await stage.quiet()
    await failing.stop()
    const letters = async () => (await stage.arena.group(stage.group).deadLetters()).length
    stage.complainUnless((await letters()) === stage.options.events, 'not everything was dead-lettered')
    while ((await letters()) > 0) {
      const redrive = stage.arena.start(program('redrive'), { GROUP: stage.group })
      await redrive.waitFor(({ msg }) => msg === 'redriving')
      if (stage.faults < (stage.options.quick ? 3 : 8)) {
        await sleep(stage.random.whole(0, 60))
        redrive.kill('SIGKILL')
        stage.faults += 1
      }
      await redrive.exited()
    }
    await stage.fleet(2)
    await stage.quiet()
  },
}

export const flatMemory: Drill = {
  about: 'a million events through a stream with three groups: the memory of Redis stays flat',
  events: 1_000_000,
  async run(stage) {
    const { events } = stage.options
    const redis = stage.arena.redis.url
    const stream = userEvents()
    stage.groups = ['drill_group', 'group_b', 'group_c']
    // How often each group has handled each event, by the number in its user id; and how many in all.
    const tallies = stage.groups.map((group) => ({ group, counts: new Uint8Array(events), handled: 0 }))
    const stopping = new AbortController()
    const running = tallies.map((tally) => {
      const count = ({ data }: { data: { userId: string } }) => {
        const n = Number(data.userId.slice('user_'.length))
        tally.counts[n] = (tally.counts[n] ?? 0) + 1
        tally.handled += 1
      }
      const options = { redis, group: tally.group, handlers: forEveryType(count), concurrency: 500 }
      return createConsumer(stream, options).run({ signal: stopping.signal })
    })
    const producer = createProducer(stream, { redis, dedupeMs: 0 })
    // A publisher that outruns its groups for ever would need memory for the difference.
    const keepPace = (published: number, most: number) => {
      const isClose = () => tallies.every(({ handled }) => handled >= published - most)
      return stage.sees('every group keeps pace with the publisher', isClose)
    }
    // What grows with the events is what is left once all is handled and trimmed. While events come, the stream also
    // holds what the janitor has not trimmed yet, which is the more the faster they come.
    const isTrimmed = async () => (await stage.arena.send<number>('XLEN', stream.name)) <= 2 * NODE
    const samples: number[] = []
    let nextSampleAt = events / 10
    for (let published = 0; published < events; ) {
      const ids = Array.from({ length: Math.min(1_000, events - published) }, (_, i) => `user_${published + i}`)
      await Promise.all(ids.map((userId) => producer.publish('user.deleted', { userId })))
      published += ids.length
      const isSampled = published >= nextSampleAt
      if (!(await keepPace(published, isSampled ? 0 : 5_000))) break
      if (!isSampled) continue
      nextSampleAt = published + events / 10
      if (!(await stage.sees('what every group has handled is trimmed', isTrimmed))) break
      const info = await stage.arena.send<string>('INFO', 'memory')
      samples.push(Number(/used_memory:(\d+)/.exec(info)?.[1]))
    }
    stopping.abort()
    await Promise.all([...running, producer.close()])
    const [early = 0, late = 0] = [samples[0], samples.at(-1)]
    stage.complainUnless(late < early + 100_000, `used_memory grew from ${early} to ${late} bytes`)
    stage.faults = stage.groups.length
    const eventsOf = (isSo: (count: number) => boolean) =>
      tallies.reduce((sum, { counts }) => sum + counts.filter(isSo).length, 0)
    const handled = eventsOf((count) => count > 0)
    const lost = eventsOf((count) => count === 0)
    stage.counts = { ...NO_EVENTS, published: events, handled, lost, effectsDoubled: eventsOf((count) => count > 1) }
  },
}
