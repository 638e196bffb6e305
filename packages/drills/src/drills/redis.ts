import { setTimeout as sleep } from 'node:timers/promises'
import { STREAM } from '../arena.ts'
import { AFTER_OUTAGE_MS, type Drill, LEASE_MS, type Stage } from '../stage.ts'

// Faults of Redis and of the way to it. A drill that kills Redis runs it with appendfsync always: then everything that
// Redis has answered must survive, as G1 says.

/** For a short while requests reach Redis and its answers go nowhere; then the connections are cut. */
async function loseReplies({ arena, random }: Stage): Promise<void> {
  arena.proxy.dropReplies(true)
  await sleep(random.whole(50, 400))
  arena.proxy.cut()
  arena.proxy.dropReplies(false)
}

export const redisKill: Drill = {
  about: 'Redis is SIGKILLed and started again under load',
  events: 5_000,
  server: ['--appendfsync', 'always'],
  async run(stage) {
    await stage.fleet(3)
    const kills = stage.options.quick ? 2 : 8
    const perSecond = Math.max(50, stage.options.events / (kills * 3))
    await stage.whileWorking(stage.publish({ perSecond }), kills, 2_000, async () => {
      await stage.arena.redis.kill()
      await sleep(stage.random.whole(0, 1_000))
      await stage.arena.redis.start()
    })
    await stage.quiet()
  },
}

export const redisPause: Drill = {
  about: 'Redis answers nothing for 30 s, with its sockets open',
  events: 3_000,
  async run(stage) {
    // Entries that wait in a buffer when Redis is back are what a rival could take.
    await stage.fleet(3, { WORK_MS: '100', MAX_BUFFERED: '16' })
    const pauseMs = stage.options.quick ? 6_000 : 30_000
    const publishing = stage.publish({ perSecond: 500 })
    await stage.whileWorking(publishing, 1, 1_000, async () => {
      await stage.arena.redis.freeze()
      await sleep(pauseMs)
      await stage.arena.redis.thaw()
    })
    await stage.quiet()
    stage.complainIfCharged()
  },
}

export const socketCut: Drill = {
  about: 'every connection of the consumers is reset, again and again',
  events: 5_000,
  async run(stage) {
    await stage.fleet(3, { WORK_MS: '50' })
    const cuts = stage.options.quick ? 5 : 30
    const perSecond = Math.max(50, stage.options.events / (cuts * 0.5))
    await stage.whileWorking(stage.publish({ perSecond }), cuts, 500, async () => stage.arena.proxy.cut())
    await stage.quiet()
    stage.complainIfCharged()
  },
}

export const lostReply: Drill = {
  about: 'reads and writes reach Redis, and the answers never come back',
  events: 3_000,
  async run(stage) {
    await stage.fleet(3, { WORK_MS: '50' })
    const times = stage.options.quick ? 3 : 12
    const perSecond = Math.max(50, stage.options.events / (times * 1.5))
    await stage.whileWorking(stage.publish({ perSecond }), times, 1_000, () => loseReplies(stage))
    await stage.quiet()
    stage.complainIfCharged()
  },
}

export const groupDestroyed: Drill = {
  about: 'the consumer group is destroyed under load, and rebuilt from its low-water mark',
  events: 4_000,
  async run(stage) {
    // What is redelivered was handled once: the idempotency record keeps it from being handled again.
    await stage.fleet(3, { IDEMPOTENCY_TTL_MS: '600000', WORK_MS: '50' })
    const times = stage.options.quick ? 2 : 6
    const perSecond = Math.max(50, stage.options.events / (times * 2))
    await stage.whileWorking(stage.publish({ perSecond }), times, 1_500, async () => {
      await stage.arena.send('XGROUP', 'DESTROY', STREAM.name, stage.group)
    })
    await stage.quiet()
  },
}

export const flushall: Drill = {
  about: 'FLUSHALL under load: what was there is gone, what comes afterwards is handled',
  events: 3_000,
  async run(stage) {
    await stage.fleet(3)
    const times = stage.options.quick ? 1 : 3
    const perSecond = Math.max(50, stage.options.events / (times * 2 + 1))
    await stage.whileWorking(stage.publish({ perSecond }), times, 1_500, async () => {
      await stage.arena.send('FLUSHALL')
      for (const line of stage.arena.ledger()) if (line.what === 'attempted') stage.destroyed.add(line.id)
    })
    await stage.quiet()
    stage.complainUnless(stage.destroyed.size < stage.options.events, 'everything was flushed')
  },
}

export const everything: Drill = {
  about: 'a random mix of kills, freezes, replacements, cuts, lost replies, and a Redis that dies or stands still',
  events: 30_000,
  server: ['--appendfsync', 'always'],
  async run(stage) {
    const fleet = await stage.fleet(3, { WORK_MS: '200' })
    const { arena, random } = stage
    const slot = () => random.whole(0, 2)
    const outages = [
      async () => arena.proxy.cut(),
      async () => {
        const frozen = slot()
        fleet.signal(frozen, 'SIGSTOP')
        await sleep(random.whole(500, 4_000))
        fleet.signal(frozen, 'SIGCONT')
      },
      () => loseReplies(stage),
      async () => {
        await arena.redis.kill()
        await arena.redis.start()
      },
      async () => {
        await arena.redis.freeze()
        await sleep(random.whole(500, 3_000))
        await arena.redis.thaw()
      },
    ]
    const kill = () => fleet.kill(slot())
    const calmKills = 3
    const replace = () => fleet.replace(slot())
    const mix = [kill, kill, kill, replace, ...outages.map((fault) => () => stage.outage(fault))]
    // At first, and every tenth fault, consumers are killed and nothing else happens, each after the last one's
    // recovery: an entry whose next owner is killed as well becomes a crash suspect, whose recovery has no bound.
    const killInCalm = async () => {
      await sleep(AFTER_OUTAGE_MS)
      for (let i = 0; i < calmKills; i += 1) {
        await stage.kill(fleet, slot())
        await sleep(LEASE_MS + 2_000)
      }
      stage.faults += calmKills - 1
    }
    stage.maxRecoveryMs = LEASE_MS + 1_000
    stage.mustRecover = true
    const seconds = stage.options.quick ? 30 : 300
    const publishing = stage.publish({ perSecond: stage.options.events / seconds })
    await stage.whileWorking(publishing, 1_000, 1_000, async () => {
      await (stage.faults % 10 === 0 ? killInCalm() : random.pick(mix)())
    })
    await stage.quiet()
  },
}
