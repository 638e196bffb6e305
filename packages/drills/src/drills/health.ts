import { inspectStream } from '@redis-streams-processor/streams-core'
import { asRecord } from '@redis-streams-processor/testbed'
import { STREAM } from '../arena.ts'
import type { Fleet } from '../fleet.ts'
import { SLOW_USER } from '../handlers.ts'
import type { Drill, Stage } from '../stage.ts'

const TELL_WITHIN_MS = 30_000

export const health: Drill = {
  about: 'Redis freezes, then one event stalls: every consumer says why it is not ready; lag is exact after an XDEL',
  events: 2_000,
  async run(stage) {
    const fleet = await stage.fleet(3, { STALLED_AFTER_MS: '2000' })
    const publisher = stage.publisher()
    const part = Math.ceil(stage.ids.length / 4)
    const publish = (n: number) => publisher.publishAll({ ids: stage.ids.slice(n * part, (n + 1) * part) })

    await publish(0)
    await allSay(stage, fleet, 'ready')

    await stage.arena.redis.freeze()
    await allSay(stage, fleet, 'not ready', /Redis has not answered|no read has completed/)
    await stage.arena.redis.thaw()
    await allSay(stage, fleet, 'ready')
    stage.faults += 1

    await publisher.publishAll({ ids: stage.ids.slice(part, part + 1), userOf: () => SLOW_USER })
    await allSay(stage, fleet, 'not ready', /the oldest unhandled entry, .* has not moved/)
    await publish(1)
    await allSay(stage, fleet, 'ready')
    stage.faults += 1

    await stage.quiet()
    await fleet.stop()
    await publish(2)
    await lagWithout(stage, stage.ids[2 * part + 1] as string)
    stage.faults += 1
    await stage.fleet(3)
    await publish(3)
    await stage.quiet()
  },
}

/** Waits until the last health line of every consumer says `told`. */
async function allSay(stage: Stage, { members }: Fleet, told: 'ready' | 'not ready', reason?: RegExp): Promise<void> {
  const look = () => {
    const lines = members.map(({ worker }) =>
      worker.lines.findLast(({ msg }) => msg === 'ready' || msg === 'not ready'),
    )
    if (lines.every((line) => line?.msg === told && (!reason || reason.test(String(line.reason))))) return true
    throw new Error(`the last words are ${JSON.stringify(lines.map((line) => line?.reason ?? line?.msg))}`)
  }
  await stage.sees(`every consumer says ${told}`, look, TELL_WITHIN_MS)
}

/** Deletes the entry of an event that was never delivered: Redis then knows no lag, and the library must. */
async function lagWithout(stage: Stage, eventId: string): Promise<void> {
  const { arena } = stage
  const lag = async () => (await inspectStream(STREAM, { redis: arena.redis.url })).groups[0]?.lag ?? 0
  const before = await lag()
  const line = arena.ledger().find((line) => line.what === 'published' && line.id === eventId)
  await arena.send('XDEL', STREAM.name, line?.what === 'published' ? line.entryId : '')
  stage.destroyed.add(eventId)
  const [info] = await arena.send<unknown[]>('XINFO', 'GROUPS', STREAM.name)
  stage.complainUnless(asRecord(info).lag === null, 'Redis knows the lag')
  const after = await lag()
  stage.complainUnless(before > 0 && after === before - 1, `lag ${after} of ${before - 1}`)
}
