import { setTimeout as sleep } from 'node:timers/promises'
import { GroupAtWorkError, openGroups } from '@redis-streams-processor/streams-core'
import { STREAM } from '../arena.ts'
import { type Drill, LEASE_MS, type Stage } from '../stage.ts'

// What an operator does to a group whose consumers die.

export const replay: Drill = {
  about: 'all consumers are SIGKILLed with entries in hand and the group is set back to its beginning, again and again',
  events: 4_000,
  async run(stage) {
    const groups = openGroups(STREAM, { redis: stage.arena.redis.url, leaseMs: LEASE_MS })
    // What is delivered again was handled once: the idempotency record keeps it from being handled again.
    const env = { KEEP_FOR_MS: '3600000', IDEMPOTENCY_TTL_MS: '600000', WORK_MS: '50' }
    const rounds = stage.options.quick ? 2 : 5
    const publishing = stage.publish({ perSecond: Math.max(50, stage.options.events / (rounds * 5)) })
    await stage.whileWorking(publishing, rounds, 200, async () => {
      const fleet = await stage.fleet(3, env, { prefix: `round${stage.faults}-`, isSupervised: false })
      await sleep(stage.random.whole(500, 1_500))
      const early = await groups.replay(stage.group, { from: 'beginning' }).catch((error) => error)
      stage.complainUnless(early instanceof GroupAtWorkError, 'a group was set back while its consumers were at work')
      await Promise.all(fleet.members.map((_, slot) => fleet.kill(slot)))
      await stage.sees('the group is set back', () => setBack(stage, groups))
    })
    await groups.close()
    await stage.fleet(3, env)
    await stage.quiet()
  },
}

/** Once nobody is at work any more; undefined before. */
async function setBack(stage: Stage, groups: ReturnType<typeof openGroups>) {
  const length = await stage.arena.send<number>('XLEN', STREAM.name)
  const done = await groups.replay(stage.group, { from: 'beginning' }).catch((error: unknown) => {
    if (!(error instanceof GroupAtWorkError)) throw error
  })
  if (!done) return undefined
  const isWhole = done.toHandle >= length && done.skipped === 0 && !done.isStartTrimmed
  stage.complainUnless(isWhole, `set back to ${JSON.stringify(done)}, with ${length} entries in the stream`)
  return done
}
