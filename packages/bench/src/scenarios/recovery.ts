import { setTimeout as sleep } from 'node:timers/promises'
import { now } from '../protocol.ts'
import type { Scenario } from '../scenario.ts'

const LEASE_MS = 3_000
const EVENTS = 300
/** What the victim holds is known once nothing has moved for so long. Well below the lease. */
const QUIET_MS = 400

export const recovery: Scenario = {
  about: `three consumers, one with handlers that do not return: from its SIGKILL until all that it held is handled elsewhere; lease (lock, stall interval, acknowledgement timeout) ${LEASE_MS / 1_000} s`,
  figures: [
    { key: 'ms', title: 'time', unit: 'ms', better: 'less' },
    { key: 'held', title: 'held by the victim', unit: 'events', better: 'less' },
  ],
  maxRounds: 3,
  isFor: ({ recovers }) => recovers,

  async measure(arena) {
    const queue = 'recovery'
    const others = await arena.startConsumers(2, { queue, kind: 'count', leaseMs: LEASE_MS })
    const victim = await arena.startConsumer({ queue, kind: 'hold', leaseMs: LEASE_MS })
    const publisher = await arena.start()
    const { sum } = await publisher.publish({ queue, count: EVENTS })

    const doneElsewhere = () => arena.total(others, 'acknowledged')
    await arena.until('the victim holds something', () => (victim.progress?.handled ?? 0) > 0)
    for (let done = -1; done !== doneElsewhere(); ) {
      done = doneElsewhere()
      await sleep(QUIET_MS)
    }
    const held = EVENTS - doneElsewhere()
    const killedAt = now()
    await victim.kill()
    await arena.until(
      'what the victim held is handled elsewhere',
      // What is handled twice on the way is none of this scenario's business.
      () => doneElsewhere() >= EVENTS && arena.total(others, 'sum') >= sum,
    )
    return { ms: arena.lastAcknowledgedAt(others) - killedAt, held }
  },
}
