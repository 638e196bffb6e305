import { until } from '@redis-streams-processor/testbed'
import { burst, complaintsAboutBurst, failingIn } from '../burst.ts'
import { timeRecovery } from '../recovery.ts'
import type { Drill } from '../stage.ts'
import { drawAndCount, say } from '../terminal.ts'

export const DEMO_LEASE_MS = 3_000
const START_TIMEOUT_MS = 20_000

/** The product as it is, with its sample handlers. */
export const demo: Drill = {
  about: 'events at once, three consumers, one killed while it holds entries, one failing event, one duplicate publish',
  events: 10_000,
  async run(stage) {
    const { arena, options } = stage
    const { events } = options
    stage.handlers = 'sample'
    const settings = { LEASE_MS: String(DEMO_LEASE_MS), RETRY_BASE_MS: '100', REDIS_URL: arena.redis.url }
    const fleet = await stage.fleet(3, settings, { prefix: 'consumer-', isSupervised: false })

    say(`publishing ${events} events at once; one of them always fails and is published twice`)
    const producer = arena.start('producer', burst(events))
    const look = async () => (await drawAndCount([arena.group(stage.group)])).handled > events / 5
    await until('a fifth of the events is handled', look, { timeoutMs: START_TIMEOUT_MS })
    const { consumer, entryIds } = await stage.kill(fleet, 1)
    stage.faults += 1
    say(`killed ${consumer} (SIGKILL) while it held ${entryIds.length} entries`)

    stage.complainUnless((await producer.exited()) === 0, 'the producer failed')
    await stage.quiet()
    const ledger = arena.ledger()
    for (const id of failingIn(ledger)) stage.doomed.add(id)
    stage.complaints.push(...complaintsAboutBurst(ledger, events))
    stage.mustRecover = true
    const duplicates = ledger.filter((line) => line.what === 'published' && line.duplicate).length
    stage.complainUnless(duplicates === 1, `${duplicates} publishes were answered as duplicates, not one`)
    const { held, elsewhere } = timeRecovery(ledger, stage.takedowns)
    stage.complainUnless(elsewhere === held, `${held - elsewhere} of ${held} held entries never ran elsewhere`)
  },
}
