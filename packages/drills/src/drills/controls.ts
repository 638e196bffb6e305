import { setTimeout as sleep } from 'node:timers/promises'
import { openControls } from '@redis-streams-processor/streams-core'
import { STREAM } from '../arena.ts'
import type { Drill, Stage } from '../stage.ts'

/** Every consumer sees a change within this time. Milliseconds. */
const SEEN_MS = 1_000
const PER_SECOND = 10
/** More than the limit, so that there is always something to start. */
const PUBLISHED_PER_SECOND = 25
/** The ledger is written right after a start: what begins late on a busy machine is counted with what came after it. */
const TOLERATED = 1.25

/** From when until when every consumer must have kept to what was in force. */
interface Span {
  from: number
  to: number
}

export const controls: Drill = {
  about: 'the group is paused, and its starts are limited, again and again, while its consumers are SIGKILLed',
  events: 4_000,
  async run(stage) {
    const { arena, options, random } = stage
    const control = openControls(STREAM, { redis: arena.redis.url, group: stage.group })
    const fleet = await stage.fleet(3, { WORK_MS: '30' })
    const pauses: Span[] = []
    const limits: Span[] = []
    const rounds = options.quick ? 4 : 24
    const publishing = stage.publish({ perSecond: PUBLISHED_PER_SECOND })
    const killOne = async () => {
      await sleep(SEEN_MS / 2)
      // Its successor must keep to what is in force, too.
      await fleet.kill(random.whole(0, 2))
      await fleet.whenComplete()
    }
    for (stage.faults = 0; stage.faults < rounds; stage.faults += 1) {
      if (stage.faults % 2 === 0) pauses.push(await during(control.pause, control.resume, killOne))
      else
        limits.push(
          await during(
            () => control.limit(PER_SECOND),
            () => control.limit(undefined),
            killOne,
          ),
        )
    }
    await publishing
    await stage.quiet()
    complain(stage, pauses, limits)
    await control.close()
  },
}

/** Kills one consumer between the two changes. */
async function during(
  begin: () => Promise<void>,
  end: () => Promise<void>,
  killOne: () => Promise<void>,
): Promise<Span> {
  await begin()
  const from = Date.now() + SEEN_MS
  await killOne()
  await sleep(Math.max(0, from + 1_500 - Date.now()))
  const to = Date.now()
  await end()
  return { from, to }
}

function complain(stage: Stage, pauses: readonly Span[], limits: readonly Span[]): void {
  const starts = stage.arena.ledger().flatMap((line) => (line.what === 'started' ? [line.at] : []))
  starts.sort((a, b) => a - b)
  const within = ({ from, to }: Span) => starts.filter((at) => at >= from && at <= to)
  const early = pauses.flatMap(within).length
  stage.complainUnless(early === 0, `${early} handlers were started while the group was paused`)
  for (const limit of limits) {
    const limited = within(limit)
    const most = Math.max(
      0,
      ...limited.map((at) => limited.filter((other) => other >= at && other < at + 1_000).length),
    )
    stage.complainUnless(
      most <= PER_SECOND * TOLERATED,
      `${most} handlers were started in one second, not ${PER_SECOND}`,
    )
    stage.complainUnless(
      most > PER_SECOND / 4,
      `only ${most} handlers were started in a second: the limit proved nothing`,
    )
  }
}
