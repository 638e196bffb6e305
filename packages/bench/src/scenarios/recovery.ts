import { setTimeout as sleep } from 'node:timers/promises'
import type { ContestantName } from '../contestants/index.ts'
import { now } from '../protocol.ts'
import type { Scenario } from '../scenario.ts'

const LEASE_MS = 3_000
const EVENTS = 300
/** Leave what a dead consumer held where it is. */
const NEVER: readonly ContestantName[] = ['bare']
/** Take a quarter of a minute or more, whatever the lease. */
const SLOW: readonly ContestantName[] = ['tutorial', 'redis-smq']
/** What the victim holds is known once nothing has moved for so long. Well below the lease. */
const QUIET_MS = 400

export const recovery: Scenario = {
  about: `three consumers, one with handlers that do not return: from its SIGKILL until all that it held is handled elsewhere; lease (lock, stall interval, acknowledgement timeout) ${LEASE_MS / 1_000} s`,
  figures: [
    { key: 'ms', title: 'time', unit: 'ms', better: 'less' },
    { key: 'held', title: 'held by the victim', unit: 'events', better: 'less' },
  ],
  contestants: (name, size) => !NEVER.includes(name) && !(size === 'quick' && SLOW.includes(name)),

  async measure(arena) {
    const queue = 'recovery'
    const victim = await arena.startConsumer({ queue, kind: 'hold', leaseMs: LEASE_MS })
    const others = [await arena.start(), await arena.start()]
    const publisher = await arena.start()

    // The victim comes first, so that it holds as much as it ever takes at a time; the others do the rest.
    const { sum } = await publisher.publish({ queue, count: EVENTS })
    await arena.until('the victim holds something', () => arena.total([victim], 'handled') > 0)
    await Promise.all(others.map((other) => other.consume({ queue, kind: 'count', leaseMs: LEASE_MS })))
    const doneElsewhere = () => arena.total(others, 'acknowledged')
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
