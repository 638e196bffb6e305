import { STREAM } from '../arena.ts'
import { type Drill, LEASE_MS, type Stage } from '../stage.ts'

/** Owners under which entries wait: as those of a dead consumer, or as retries that are due. */
const backlogs = { 'left by a dead consumer': 'dead', 'due retries': '~retry' } as const

/** Of the rate at which unread events are handled. A quick drill is over so soon that its rates say little. */
const LEAST_SHARE = 0.7
const LEAST_SHARE_IF_QUICK = 0.3

export const backlog: Drill = {
  about: 'thousands of events were left by a dead consumer, or are due retries: as fast as unread ones, 0.7 at least',
  events: 9_000,
  async run(stage) {
    const least = stage.options.quick ? LEAST_SHARE_IF_QUICK : LEAST_SHARE
    const third = stage.ids.length / 3
    const unread = await perSecondOf(stage, stage.ids.slice(0, third))
    let begin = third
    for (const [what, owner] of Object.entries(backlogs)) {
      const rate = await perSecondOf(stage, stage.ids.slice(begin, begin + third), owner)
      const share = (rate / unread).toFixed(2)
      console.error(`  backlog: ${what}: ${rate.toFixed()} a second, ${share} of the rate of unread events`)
      stage.complainUnless(rate >= least * unread, `${what}: only ${share} of the rate of unread events`)
      begin += third
    }
  },
}

/** Lets events pile up, for an owner that does nothing, before three consumers start. Returns the events per second. */
async function perSecondOf(stage: Stage, ids: readonly string[], owner?: string): Promise<number> {
  await stage.publish({ ids })
  if (owner) {
    const read = ['XREADGROUP', 'GROUP', stage.group, owner, 'COUNT', String(ids.length), 'STREAMS', STREAM.name, '>']
    await stage.arena.send(...read)
    await new Promise((resolve) => setTimeout(resolve, LEASE_MS))
  }
  const fleet = await stage.fleet(3, { WORK_MS: '20' })
  await stage.quiet()
  await fleet.stop()
  const wanted = new Set(ids)
  const times = stage.arena
    .ledger()
    .filter((line) => (line.what === 'started' || line.what === 'returned') && wanted.has(line.id))
    .map(({ at }) => at)
  times.sort((a, b) => a - b)
  return ids.length / (((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1_000)
}
