import { fileURLToPath } from 'node:url'
import type { Retention } from '@redis-streams-processor/streams-core'
import { Arena, openWork, STREAM } from './arena.ts'
import { Fleet } from './fleet.ts'
import { chainedKey, effectsKey } from './handlers.ts'
import { judge, type Verdict } from './judge.ts'
import { Publisher, type PublishPlan } from './publisher.ts'
import { Random } from './random.ts'

const HANDLERS = fileURLToPath(new URL('handlers.ts', import.meta.url))

/** Lease of the consumers, unless a drill says otherwise. */
export const LEASE_MS = 2_000
/** After an outage: so long at most until a connection is tried again, and then a lease and two seconds of no claims. */
export const HOLD_OFF_MS = 2_000 + (LEASE_MS + 2_000)

export interface DrillOptions {
  events: number
  seed: number
  /** Fewer and shorter faults, for CI. */
  quick: boolean
  /** A drill that has not come to rest after this is judged as it stands. */
  deadlineMs: number
}

export interface Drill {
  /** What happens, in one line. */
  about: string
  /** Events by default. */
  events: number
  /** Further options of the Redis server. */
  server?: readonly string[]
  run(stage: Stage): Promise<void>
}

/** Counted by the drill itself, where the events are too many for a ledger. */
export type Tally = Pick<Verdict, 'published' | 'handled' | 'lost' | 'effectsDoubled' | 'pending'>

export interface DrillVerdict extends Verdict {
  drill: string
  faults: number
  /** From a fault until what its victim held ran elsewhere, in milliseconds, as far as no other fault came between. */
  recoveryMs: { entries: number; median: number; p99: number; worst: number } | undefined
  /** What else was wrong. */
  complaints: string[]
}

/** What a drill works with: an arena, a seeded chance, and notes for the judge. */
export class Stage {
  readonly arena: Arena
  readonly options: DrillOptions
  readonly random: Random
  readonly ids: readonly string[]
  readonly doomed = new Set<string>()
  readonly destroyed = new Set<string>()
  readonly complaints: string[] = []
  groups: readonly string[] = ['drill_group']
  faults = 0
  tally: Tally | undefined
  /** The promised bound of the recovery, where there is one. */
  maxRecoveryMs: number | undefined
  /** A drill in which no recovery could be timed has proved nothing. */
  mustRecover = false
  readonly #outages: { from: number; to: number }[] = []
  readonly #victims: { at: number; group: string; consumer: string; entryIds: string[] }[] = []
  readonly #closers: (() => Promise<void>)[] = []

  constructor(arena: Arena, options: DrillOptions) {
    this.arena = arena
    this.options = options
    this.random = new Random(options.seed)
    this.ids = Array.from({ length: options.events }, (_, n) => `event-${options.seed}-${n}`)
  }

  get group(): string {
    return this.groups[0] as string
  }

  /** Consumers of the first group, through the proxy. */
  async fleet(size: number, env: Record<string, string> = {}): Promise<Fleet> {
    const defaults = {
      GROUP: this.group,
      HANDLERS,
      LEASE_MS: String(LEASE_MS),
      BLOCK_MS: '500',
      WORK_MS: '5',
      LOG_LEVEL: 'info',
    }
    const fleet = new Fleet(this.arena, { ...defaults, REDIS_URL: this.arena.proxy.url, ...env }, env.GROUP ?? 'w')
    this.#closers.push(async () => {
      await fleet.stop()
      this.complainUnless(fleet.failure === undefined, `a consumer cannot start: ${fleet.failure?.message}`)
    })
    await fleet.start(size)
    return fleet
  }

  publisher(redisUrl = this.arena.redis.url, retention?: Retention): Publisher {
    const publisher = new Publisher(redisUrl, this.arena.ledgerFolder, retention)
    this.#closers.push(() => publisher.close())
    return publisher
  }

  /** Publishes every event of the drill. */
  publish(plan: Partial<PublishPlan> = {}): Promise<void> {
    return this.publisher().publishAll({ ids: this.ids, ...plan })
  }

  /** Repeats a fault, at random moments, for as long as `work` lasts and the count has not been reached. */
  async whileWorking(
    work: Promise<unknown>,
    count: number,
    everyMs: number,
    fault: () => Promise<void>,
  ): Promise<void> {
    let isDone = false
    const done = work.finally(() => {
      isDone = true
    })
    for (let i = 0; i < count && !isDone; i += 1) {
      await this.pause(everyMs * (0.5 + this.random.next()))
      await fault()
      this.faults += 1
    }
    await done
  }

  /** Runs a fault that takes Redis, or whoever might take over, away for a while: recovery cannot be timed meanwhile. */
  async outage(fault: () => Promise<void>): Promise<void> {
    const from = Date.now()
    await fault()
    this.#outages.push({ from, to: Date.now() + HOLD_OFF_MS })
  }

  /** Kills a consumer, and notes what it held. */
  async kill(fleet: Fleet, slot: number): Promise<void> {
    const at = Date.now()
    const consumer = await fleet.kill(slot)
    const entryIds = await this.arena.heldBy(this.group, consumer)
    this.noteVictim({ at, consumer, entryIds })
  }

  /** Notes entries that their consumer gave up at a moment: the judge looks when they ran elsewhere. */
  noteVictim(victim: { at: number; consumer: string; entryIds: string[] }): void {
    this.#victims.push({ group: this.group, ...victim })
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms))
  }

  /** Resolves once nothing is left to do. A drill that never gets there is judged as it stands. */
  async quiet(): Promise<void> {
    const { deadlineMs } = this.options
    const isQuiet = async () => {
      const state = await this.arena.inspect().catch(() => undefined)
      return state !== undefined && state.groups.length >= this.groups.length && openWork(state) === 0
    }
    this.complainUnless(await this.arena.until(isQuiet, deadlineMs), `not at rest after ${deadlineMs} ms`)
  }

  complainUnless(isFine: boolean, complaint: string): void {
    if (!isFine) this.complaints.push(complaint)
  }

  async close(): Promise<void> {
    for (const closer of this.#closers.reverse()) await closer()
  }

  /** What every event came to. */
  async verdict(drill: string): Promise<DrillVerdict> {
    const { arena, groups, doomed, destroyed, complaints } = this
    const effects: Record<string, Map<string, number>> = {}
    const deadLetters: Record<string, string[]> = {}
    for (const group of groups) {
      const flat = await arena.send<string[]>('HGETALL', effectsKey(group))
      effects[group] = new Map()
      for (let i = 0; i < flat.length; i += 2) effects[group].set(flat[i] as string, Number(flat[i + 1]))
      const written = [...effects[group].values()].reduce((sum, count) => sum + count, 0)
      const chained = await arena.send<number>('XLEN', chainedKey(group))
      this.complainUnless(chained === written, `${group}: ${written} effects, but ${chained} entries chained`)
      deadLetters[group] = await arena.deadLetterIds(group)
    }
    const ledger = arena.ledger()
    const pending = openWork(await arena.inspect())
    const verdict = judge({ ledger, groups, deadLetters, pending, doomed, effects, destroyed })
    const recoveryMs = this.#recovery(ledger)
    this.#judgeRecovery(recoveryMs?.worst)
    const passed = verdict.passed && complaints.length === 0
    return { drill, faults: this.faults, ...verdict, passed, recoveryMs, complaints }
  }

  #judgeRecovery(worst: number | undefined): void {
    if (this.maxRecoveryMs === undefined) return
    // Quick runs are for machines that do other things as well: a little more is allowed there.
    const most = this.maxRecoveryMs + (this.options.quick ? 2_000 : 0)
    this.complainUnless(worst !== undefined || !this.mustRecover, 'no recovery could be timed')
    const isInTime = worst === undefined || worst <= most
    this.complainUnless(isInTime, `an entry waited ${worst} ms for a new owner, at most ${most} are allowed`)
  }

  /** Nobody was robbed, and no delivery charged: what was started, was started as a first delivery. */
  complainIfCharged(): void {
    const charged = this.arena.ledger().filter((line) => line.what === 'started' && line.attempt > 1).length
    this.complainUnless(charged === 0, `${charged} deliveries were charged an extra attempt`)
  }

  /** The verdict on a drill that has counted for itself. */
  verdictOf(drill: string, tally: Tally): DrillVerdict {
    const { faults, complaints } = this
    const none = { lostIds: [], handledTwice: 0, redelivered: 0, deadLetters: 0, wronglyDeadLettered: 0 }
    const more = { missingDeadLetters: 0, duplicatesRefused: 0, recoveredUnknown: 0, recoveryMs: undefined }
    const passed = tally.lost === 0 && tally.effectsDoubled === 0 && tally.pending === 0 && complaints.length === 0
    return { drill, faults, ...none, ...more, ...tally, passed, complaints }
  }

  #recovery(ledger: ReturnType<Arena['ledger']>) {
    const started = new Map<string, { at: number; consumer: string }[]>()
    for (const line of ledger) {
      if (line.what !== 'started') continue
      const key = `${line.group} ${line.entryId}`
      started.set(key, [...(started.get(key) ?? []), line])
    }
    const times: number[] = []
    for (const { at, group, consumer, entryIds } of this.#victims) {
      for (const entryId of entryIds) {
        const others = (started.get(`${group} ${entryId}`) ?? []).filter(
          (line) => line.at >= at && line.consumer !== consumer,
        )
        // One that was never started again was settled by the victim's last words, still on their way when it died.
        if (others.length === 0) continue
        const startedAt = Math.min(...others.map((line) => line.at))
        // Where the heir was killed as well, before it had started the entry, the time runs from its death.
        const isKilledAgain = this.#victims.some((v) => v.at > at && v.at < startedAt && v.entryIds.includes(entryId))
        const isDelayed = this.#outages.some(({ from, to }) => from < startedAt && to > at)
        if (!isKilledAgain && !isDelayed) times.push(startedAt - at)
      }
    }
    times.sort((a, b) => a - b)
    const quantile = (q: number) => times[Math.min(times.length - 1, Math.floor(times.length * q))] as number
    return times.length
      ? { entries: times.length, median: quantile(0.5), p99: quantile(0.99), worst: quantile(1) }
      : undefined
  }
}

/**
 * Runs one drill on a Redis of its own, and judges it.
 * @throws what broke the drill down: half of it is not judged.
 */
export async function runDrill(name: string, drill: Drill, options: DrillOptions): Promise<DrillVerdict> {
  const arena = await Arena.open(drill.server)
  const stage = new Stage(arena, options)
  try {
    await arena.send('XGROUP', 'CREATE', STREAM.name, stage.group, '0', 'MKSTREAM')
    await drill.run(stage)
    await stage.close()
    return stage.tally ? stage.verdictOf(name, stage.tally) : await stage.verdict(name)
  } finally {
    await stage.close().catch(() => {})
    await arena.close()
  }
}
