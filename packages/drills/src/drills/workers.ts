import { setTimeout as sleep } from 'node:timers/promises'
import { UNLUCKY_USER } from '@redis-streams-processor/events'
import type { DeliveryLine, LedgerLine } from '@redis-streams-processor/service-kit'
import { saysReleased } from '../fleet.ts'
import { HUNG_USER, POISON } from '../handlers.ts'
import { isHandlerEnd } from '../judge.ts'
import { type Drill, LEASE_MS } from '../stage.ts'

// Faults of consumers: killed, frozen, replaced, slow, poisoned.

export const workerKill: Drill = {
  about: 'up to 200 consumers are SIGKILLed under load, one after the other; every tenth event is to be dead-lettered',
  events: 20_000,
  async run(stage) {
    const fleet = await stage.fleet(3, { FAIL_UNLUCKY: 'yes', WORK_MS: '50' })
    const userOf = (n: number) => {
      if (n % 10 === 0) stage.doomed.add(stage.ids[n] as string)
      return n % 10 === 0 ? UNLUCKY_USER : `user_${2_000 + (n % 50)}`
    }
    stage.maxRecoveryMs = LEASE_MS + 1_000
    const kills = stage.options.quick ? 10 : 200
    const everyMs = 700
    const perSecond = Math.max(50, stage.options.events / ((kills * everyMs) / 1_000))
    await stage.whileWorking(stage.publish({ perSecond, userOf }), kills, everyMs, async () => {
      // Where starting takes long, there would soon be nobody left to take over.
      await fleet.whenComplete()
      await stage.kill(fleet, stage.random.whole(0, 2))
    })
    await stage.quiet()
    stage.mustRecover = true
  },
}

export const workerFreeze: Drill = {
  about: 'consumers are SIGSTOPped for longer than their lease, and come back as zombies',
  events: 2_500,
  async run(stage) {
    // Handlers run for long, so that the next owners are still at work when the zombies come back.
    const fleet = await stage.fleet(3, { LEASE_MS: '1500', WORK_MS: '1200', CONCURRENCY: '32' })
    const freezes = stage.options.quick ? 5 : 12
    const perSecond = stage.options.events / (freezes * 3.5)
    await stage.whileWorking(stage.publish({ perSecond }), freezes, 500, async () => {
      // The third is never frozen: no other consumer may claim what it has claimed.
      const slot = stage.random.whole(0, 1)
      fleet.signal(slot, 'SIGSTOP')
      // When it comes back, others have claimed what it held, and still run it.
      await sleep(stage.random.whole(2_000, 2_500))
      fleet.signal(slot, 'SIGCONT')
    })
    await stage.quiet()
    const abandoned = fleet.members[2]?.worker.lines.filter(({ msg }) => msg === 'abandoned').length
    stage.complainUnless(abandoned === 0, `${abandoned} entries were taken from a consumer that was never frozen`)
  },
}

export const rollingRestart: Drill = {
  about: 'three consumers are replaced one by one under load (SIGTERM), again and again: nothing runs twice',
  events: 3_000,
  async run(stage) {
    const fleet = await stage.fleet(3, { WORK_MS: '50', CONCURRENCY: '4' })
    const rounds = stage.options.quick ? 1 : 5
    const perSecond = 150
    let slot = 0
    await stage.whileWorking(stage.publish({ perSecond }), rounds * 3, 100, async () => {
      await fleet.replace(slot++ % 3)
    })
    await stage.quiet()
    stage.maxRecoveryMs = 1_000
    for (const { time, consumer, entryId } of fleet.lines.filter(saysReleased)) {
      const at = Date.parse(String(time))
      stage.takedowns.push({ group: stage.group, consumer: String(consumer), at, entryIds: [String(entryId)] })
    }
    stage.complainIfCharged()
    const started = stage.arena.ledger().filter((line) => line.what === 'started')
    stage.complainUnless(
      started.length === stage.options.events,
      `${started.length} starts of ${stage.options.events} events`,
    )
  },
}

export const slowHandler: Drill = {
  about: 'handlers take twenty times as long as the lease: nothing runs twice while its process lives',
  events: 60,
  async run(stage) {
    const leaseMs = stage.options.quick ? 500 : 3_000
    const env = { LEASE_MS: String(leaseMs), WORK_MS: String(20 * leaseMs), CONCURRENCY: '10', MAX_BUFFERED: '10' }
    const ids = stage.ids.slice(0, 60)
    await stage.fleet(3, env)
    await stage.publish({ ids })
    stage.faults = ids.length
    await stage.quiet()
    const starts = stage.arena.ledger().filter((line) => line.what === 'started')
    stage.complainUnless(starts.length === ids.length, `${starts.length} starts of ${ids.length} events`)
    // What only waited in a buffer must not have changed hands either.
    stage.complainIfCharged()
  },
}

export const hungHandler: Drill = {
  about: 'every 25th handler never returns, and consumers are SIGKILLed among them: those events die, the rest goes on',
  events: 1_000,
  async run(stage) {
    const env = { HANDLER_TIMEOUT_MS: '500', MAX_DELIVERIES: '2', RETRY_BASE_MS: '50', WORK_MS: '20' }
    const fleet = await stage.fleet(3, env)
    const userOf = (n: number) => {
      if (n % 25 === 0) stage.doomed.add(stage.ids[n] as string)
      return n % 25 === 0 ? HUNG_USER : `user_${2_000 + (n % 50)}`
    }
    const publishing = stage.publish({ perSecond: 200, userOf })
    await stage.whileWorking(publishing, stage.options.quick ? 1 : 3, 1_500, async () => {
      await stage.kill(fleet, 0)
    })
    await stage.quiet()
    const letters = await stage.arena.group(stage.group).deadLetters()
    const others = letters.filter(({ reason }) => reason !== 'exhausted').map(({ reason }) => reason)
    stage.complainUnless(others.length === 0, `not dead-lettered as exhausted, but as ${others.join(', ')}`)
  },
}

export const poison: Drill = {
  about: 'events that exit, throw from a timer, run out of memory or block for ever, each with innocents beside it',
  events: 2_000,
  async run(stage) {
    const kinds = Object.entries(POISON)
    const part = Math.floor(stage.ids.length / kinds.length)
    for (const [n, [kind, user]] of kinds.entries()) {
      const ids = stage.ids.slice(n * part, n < kinds.length - 1 ? (n + 1) * part : undefined)
      const pill = ids[Math.floor(ids.length / 2)] as string
      stage.doomed.add(pill)
      // Everything is running or buffered at the same time; for every other kind there are idempotency records as well.
      await stage.publish({ ids, userOf: (i) => (ids[i] === pill ? user : `user_${2_000 + (i % 50)}`) })
      const env = { CONCURRENCY: '600', WORK_MS: '20', LEASE_MS: '1000', BLOCKED_MS: '2000' }
      const records = { IDEMPOTENCY_TTL_MS: n % 2 === 0 ? '0' : '600000' }
      const fleet = await stage.fleet(3, { ...env, ...records, NODE_OPTIONS: '--max-old-space-size=96' })
      await stage.quiet()
      await fleet.stop()
      stage.faults += fleet.crashes
      stage.complainUnless(fleet.crashes > 0, `${kind}: no process died`)
      stage.complainUnless(hadCompany(stage.arena.ledger(), pill), `${kind}: its event never ran beside others`)
    }
    const letters = await stage.arena.group(stage.group).deadLetters()
    const others = letters.filter(({ reason }) => reason !== 'crashed').map(({ reason }) => reason)
    stage.complainUnless(others.length === 0, `not dead-lettered as crashed, but as ${others.join(', ')}`)
  },
}

/** Whether an event was ever started while its consumer was running others. */
function hadCompany(ledger: readonly LedgerLine[], eventId: string): boolean {
  const lines = ledger.filter((line): line is DeliveryLine => 'attempt' in line)
  const starts = lines.filter(({ what }) => what === 'started')
  return starts.some((start) => {
    if (start.id !== eventId) return false
    const before = lines.filter(
      ({ consumer, id, at }) => consumer === start.consumer && id !== eventId && at <= start.at,
    )
    return before.filter(({ what }) => what === 'started').length > before.filter(isHandlerEnd).length
  })
}
