import { STREAM } from '../arena.ts'
import type { Fleet } from '../fleet.ts'
import { SLOW_USER } from '../handlers.ts'
import type { Drill, Stage } from '../stage.ts'

const TELL_WITHIN_MS = 30_000

export const health: Drill = {
  about: 'Redis stands still, then one event does: every consumer says why it is not ready; lag is exact after an XDEL',
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

/** Waits until every consumer has said so last. */
async function allSay(stage: Stage, { members }: Fleet, told: 'ready' | 'not ready', reason?: RegExp): Promise<void> {
  const say = () =>
    members.map(({ worker }) => worker.lines.findLast(({ msg }) => msg === 'ready' || msg === 'not ready'))
  const isTold = async () => say().every((line) => line?.msg === told && (!reason || reason.test(String(line.reason))))
  const last = () => JSON.stringify(say().map((line) => line?.reason ?? line?.msg))
  stage.complainUnless(await stage.arena.until(isTold, TELL_WITHIN_MS), `not all said ${told}: ${last()}`)
}

/** Deletes the entry of an event that nobody has read: Redis then knows no lag, and the library must. */
async function lagWithout(stage: Stage, eventId: string): Promise<void> {
  const { arena } = stage
  const before = (await arena.inspect()).groups[0]?.lag ?? 0
  const line = arena.ledger().find((line) => line.what === 'published' && line.id === eventId)
  await arena.send('XDEL', STREAM.name, line?.what === 'published' ? line.entryId : '')
  stage.destroyed.add(eventId)
  const info = (await arena.send<unknown[][]>('XINFO', 'GROUPS', STREAM.name))[0] ?? []
  stage.complainUnless(info[info.indexOf('lag') + 1] === null, 'Redis knows the lag')
  const { lag } = (await arena.inspect()).groups[0] ?? {}
  stage.complainUnless(before > 0 && lag === before - 1, `lag ${lag} of ${before - 1}`)
}
