import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { newStandardSecret, signStandard, UNLUCKY_USER } from '@redis-streams-processor/events'
import { openControls, openDeadLetters } from '@redis-streams-processor/streams-core'
import { Scrape, TcpProxy } from '@redis-streams-processor/testbed'
import { event, SECRETS } from './endpoint.ts'
import { GROUP, type WatchedSystem } from './watched-system.ts'

/** Something that goes wrong in a running system, and is mended. */
export interface Cause {
  /** What fires for it, and nothing else does. */
  alerts: readonly string[]
  run(system: WatchedSystem): Promise<void>
}

const BLOCKING_HANDLERS = fileURLToPath(new URL('../../../consumer/test/support/blocking-handlers.ts', import.meta.url))

const group = GROUP
const together = (...waits: Promise<void>[]) => Promise.all(waits)

const failingHandler: Cause = {
  alerts: ['StreamsHandlersFail', 'StreamsDeadLetters'],
  async run(system) {
    system.start('producer')
    system.start('consumer', { MAX_DELIVERIES: '2', RETRY_BASE_MS: '1', RETRY_MAX_MS: '2' })
    await system.publish(1, UNLUCKY_USER)
    await system.until('there is a dead letter', async () => (await system.view.deadLetters()).length === 1)
    await system.watch()
    // It fails again, so that there are as many dead letters as before.
    const deadLetters = openDeadLetters({ name: system.stream }, { redis: system.redis.url, group })
    await deadLetters.redrive()
    await deadLetters.close()
    await system.fires('StreamsDeadLetters', { group })

    const mend = system.steadily(100, () => system.publish(1, UNLUCKY_USER))
    await system.fires('StreamsHandlersFail', { group, type: 'user.deleted' })
    await mend()
  },
}

const hungHandler: Cause = {
  alerts: ['StreamsEventsWaitTooLong', 'StreamsNotReady'],
  async run(system) {
    system.start('producer')
    const consumer = system.start('consumer', { WORK_MS: '20000', STALLED_AFTER_MS: '1000' })
    await system.watch()
    // An event that waits since ten minutes ago: the entry id says so.
    const at = Date.now() - 600_000
    const fields = { id: 'old', type: 'user.deleted', source: '/', time: new Date(at).toISOString() }
    const data = JSON.stringify({ userId: 'user_1' })
    await system.command('XADD', system.stream, `${at}-0`, ...Object.entries(fields).flat(), 'data', data)
    await together(
      system.fires('StreamsEventsWaitTooLong', { group }),
      system.fires('StreamsNotReady', await system.targetOf(consumer)),
    )
  },
}

const slowGroup: Cause = {
  alerts: ['StreamsGroupBehind', 'StreamsNearlyFull', 'StreamsPublishesFail'],
  async run(system) {
    const maxLength = 3_000
    const env = { MAX_LENGTH: String(maxLength) }
    system.start('producer', { ...env, SIMULATE: 'on', INTERVAL_MS: '50', USERS: '1' })
    system.start('consumer', { ...env, WORK_MS: '500', CONCURRENCY: '1', MAX_BUFFERED: '0' })
    await system.watch()
    await system.publish(1_200, 'user_1', { maxLength })
    await system.fires('StreamsGroupBehind', { group })
    await system.publish(maxLength)
    await together(
      system.fires('StreamsNearlyFull', { stream: system.stream }),
      system.fires('StreamsPublishesFail', { result: 'stream-full' }),
    )
    system.start('consumer', env)
  },
}

const badWebhooks: Cause = {
  alerts: ['WebhooksRefused', 'WebhooksUnfit', 'StreamsDeadLetters', 'StreamsHandlersFail'],
  async run(system) {
    const producer = system.start('producer')
    system.start('consumer')
    await system.watch()
    const { url } = await producer.waitFor(({ msg }) => msg === 'webhooks are served')
    const send = async (secret: string, body: string) => {
      const address = `${String(url).replace('0.0.0.0', '127.0.0.1')}/webhooks/standard`
      const answer = await fetch(address, { method: 'POST', headers: signStandard(secret, randomUUID(), body), body })
      await answer.arrayBuffer()
    }
    const forgers = newStandardSecret()
    const mend = system.steadily(100, async () => {
      for (let n = 0; n < 3; n += 1) await send(forgers, event())
      await send(SECRETS.standard, event({}, 'order.shipped'))
    })
    await together(
      system.fires('WebhooksRefused', { source: 'standard' }),
      system.fires('WebhooksUnfit', { source: 'standard' }),
      system.fires('StreamsDeadLetters', { group }),
      system.fires('StreamsHandlersFail', { group, type: 'other' }),
    )
    await mend()
  },
}

const poisonPill: Cause = {
  alerts: ['StreamsProcessesDie', 'StreamsProcessDown', 'StreamsDeadLetters'],
  async run(system) {
    system.start('producer')
    // The event kills two of them; the third only takes it to the dead letters.
    const env = { HANDLERS: BLOCKING_HANDLERS, BLOCKED_MS: '1000', MAX_DELIVERIES: '1' }
    const consumers = [1, 2, 3].map(() => system.start('consumer', env))
    await system.watch()
    await system.publish(1)
    await together(system.fires('StreamsProcessesDie', { group }), system.fires('StreamsDeadLetters', { group }))
    const dead = await system.until('two consumers have died', () => {
      const ended = consumers.filter(({ isRunning }) => !isRunning)
      return ended.length === 2 && ended
    })
    for (const one of dead) await system.fires('StreamsProcessDown', await system.targetOf(one))
    for (const one of dead) await system.startAgain(one)
  },
}

const badNetwork: Cause = {
  alerts: ['StreamsReconnects', 'StreamsLeasesLost', 'StreamsNotReady'],
  async run(system) {
    const proxy = await TcpProxy.start(system.redis.port)
    system.onStop(() => proxy.stop())
    system.start('producer')
    const consumer = system.start('consumer', { REDIS_URL: proxy.url, WORK_MS: '30000', CONSUMER: 'cut-off' })
    await system.watch()
    const { instance, job } = await system.targetOf(consumer)
    const port = await consumer.opsPort()
    const reconnects = async () => (await Scrape.of(port)).sum('streams_redis_reconnects_total') ?? 0
    for (let n = 0; n < 4; n += 1) {
      const before = await reconnects()
      proxy.cut()
      await system.until('it has connected again', async () => (await reconnects()) >= before + 2)
    }
    await system.fires('StreamsReconnects', { instance })

    await system.publish(4)
    await system.until('it holds events', async () => (await system.view.heldBy('cut-off')).length === 4)
    proxy.dropReplies(true)
    system.start('consumer')
    await system.until('others have handled them', async () => (await system.view.state()).openWork === 0)
    await system.fires('StreamsNotReady', { instance, job })
    proxy.dropReplies(false)
    await system.fires('StreamsLeasesLost', { instance })
  },
}

const lossyRetention: Cause = {
  alerts: ['StreamsEventsDropped', 'StreamsLeasesLost'],
  async run(system) {
    const env = { RETENTION: 'maxlen', MAX_LENGTH: '100' }
    system.start('producer', env)
    const consumer = system.start('consumer', { ...env, WORK_MS: '3600000', CONCURRENCY: '1' })
    await system.watch()
    await system.publish(1_000, 'user_1', { policy: 'maxlen', maxLength: 100 })
    const { instance } = await system.targetOf(consumer)
    // What is dropped while a handler runs it is no longer this consumer's.
    await together(system.fires('StreamsEventsDropped', { group }), system.fires('StreamsLeasesLost', { instance }))
  },
}

const hungRedis: Cause = {
  alerts: ['StreamsNoFigures', 'StreamsNotReady', 'StreamsPublishesFail'],
  async run(system) {
    const producer = system.start('producer', {
      SIMULATE: 'on',
      INTERVAL_MS: '200',
      USERS: '1',
      PUBLISH_TIMEOUT_MS: '1000',
    })
    const consumer = system.start('consumer')
    await system.watch()
    // Worse than a Redis that has ended: nobody is told that there is no answer.
    await system.redis.freeze()
    await together(
      system.fires('StreamsNoFigures', {}),
      system.fires('StreamsNotReady', await system.targetOf(producer)),
      system.fires('StreamsNotReady', await system.targetOf(consumer)),
      system.fires('StreamsPublishesFail', { result: 'timed-out' }),
    )
    await system.redis.thaw()
  },
}

const killedConsumers: Cause = {
  alerts: ['StreamsNoConsumer', 'StreamsProcessDown'],
  async run(system) {
    system.start('producer')
    const consumer = system.start('consumer')
    await system.watch()
    consumer.kill('SIGKILL')
    await together(
      system.fires('StreamsNoConsumer', {}),
      system.fires('StreamsProcessDown', await system.targetOf(consumer)),
    )
    await system.startAgain(consumer)
  },
}

const forgottenPauseAndKill: Cause = {
  alerts: ['StreamsGroupPaused', 'StreamsConsumerGone'],
  async run(system) {
    system.start('producer')
    const env = { WORK_MS: '1000', CONCURRENCY: '1', LEASE_MS: '2000' }
    const victim = system.start('consumer', { ...env, CONSUMER: 'victim' })
    system.start('consumer', env)
    await system.watch()
    const controls = openControls({ name: system.stream }, { redis: system.redis.url, group })
    system.onStop(() => controls.close())
    await controls.pause({ eventType: 'user.deleted', reason: 'lunch' })
    await system.fires('StreamsGroupPaused', { group })
    await controls.resume({ eventType: 'user.deleted' })

    await system.publish(20)
    await system.until('it holds an event', async () => (await system.view.heldBy('victim')).length > 0)
    // A discovery forgets it within seconds, before `up` is 0 for long. Here a minute is a second: so it forgets first.
    await system.forget(victim)
    victim.kill('SIGKILL')
    await system.fires('StreamsConsumerGone', { group })
    await system.find(await system.startAgain(victim))
  },
}

export const causes: Record<string, Cause> = {
  'Redis hangs': hungRedis,
  'every consumer is killed': killedConsumers,
  'a pause is forgotten; then one of two consumers is killed and its target is forgotten': forgottenPauseAndKill,
  'a handler always fails': failingHandler,
  'a handler hangs': hungHandler,
  'a group is slower than its producer': slowGroup,
  'webhooks are forged, or of an unknown type': badWebhooks,
  'an event blocks each process that runs it': poisonPill,
  'the network of one consumer is bad': badNetwork,
  'the lossy retention drops what a slow group needs': lossyRetention,
}
