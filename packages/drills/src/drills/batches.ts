import { fileURLToPath } from 'node:url'
import { BAD_USER, CULPRIT_USER, POISON } from '../handlers.ts'
import type { Drill } from '../stage.ts'

// Batch handlers and idempotency records, with consumers killed or replaced and events that fail, throw or kill among the
// others.

const BATCH_HANDLERS = fileURLToPath(new URL('../batch-handlers.ts', import.meta.url))

/** The user of each event: of 100 events one is let fail, and one makes its batch throw. */
function userOf(n: number): string {
  if (n % 100 === 10) return BAD_USER
  if (n % 100 === 60) return CULPRIT_USER
  return `user_${2_000 + (n % 50)}`
}

export const batches: Drill = {
  about:
    'events in batches, with idempotency records: some fail, some make the batch throw, one kills it; meanwhile consumers are SIGKILLed and replaced by turns',
  events: 10_000,
  async run(stage) {
    const { ids } = stage
    const pill = Math.floor(ids.length / 2)
    const env = {
      ...{ HANDLERS: BATCH_HANDLERS, WORK_MS: '20', CONCURRENCY: '4', IDEMPOTENCY_TTL_MS: '600000' },
      ...{ MAX_DELIVERIES: '4', RETRY_BASE_MS: '50' },
    }
    const fleet = await stage.fleet(3, env)
    for (const [n, id] of ids.entries()) if (n === pill || n % 100 === 10 || n % 100 === 60) stage.doomed.add(id)
    const kills = stage.options.quick ? 5 : 30
    const everyMs = 700
    const perSecond = Math.max(100, stage.options.events / ((kills * everyMs) / 1_000))
    const publishing = stage.publish({ perSecond, userOf: (n) => (n === pill ? POISON.exit : userOf(n)) })
    let isReplaced = false
    await stage.whileWorking(publishing, kills, everyMs, async () => {
      const slot = stage.random.whole(0, 2)
      if (isReplaced) await fleet.replace(slot)
      else await stage.kill(fleet, slot)
      isReplaced = !isReplaced
    })
    await stage.quiet()
    const letters = await stage.arena.group(stage.group).deadLetters()
    const end = letters.find(({ id }) => id === ids[pill])?.reason
    stage.complainUnless(end === 'crashed', `the event that kills is not dead-lettered as crashed, but as ${end}`)
    const failed = stage.arena.ledger().filter((line) => line.what === 'settled' && line.outcome === 'retry')
    const neighbours = failed.filter((line) => 'id' in line && !stage.doomed.has(line.id))
    stage.complainUnless(neighbours.length === 0, `${neighbours.length} failures of events with a bad neighbour`)
  },
}
