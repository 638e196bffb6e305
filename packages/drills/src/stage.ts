import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Retention } from '@redis-streams-processor/streams-core'
import { until } from '@redis-streams-processor/testbed'
import type { Arena } from './arena.ts'
import { Fleet, type FleetOptions } from './fleet.ts'
import type { Counts } from './judge.ts'
import { Publisher, type PublishPlan } from './publisher.ts'
import { Random } from './random.ts'
import type { Outage, Takedown } from './recovery.ts'
import { drawAndCount, endProgress } from './terminal.ts'

const DRILL_HANDLERS = fileURLToPath(new URL('handlers.ts', import.meta.url))

/** Lease of the consumers, unless a drill says otherwise. */
export const LEASE_MS = 2_000
/** After an outage: at most 2 s until consumers connect again, then their hold off: a lease and 2 s. */
export const AFTER_OUTAGE_MS = 2_000 + (LEASE_MS + 2_000)

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

/** What a drill works with: an arena, seeded random numbers, and notes for the judge. */
export class Stage {
  readonly arena: Arena
  readonly options: DrillOptions
  readonly random: Random
  readonly ids: readonly string[]
  /** Event ids that must end in the dead letters. */
  readonly doomed = new Set<string>()
  /** Event ids that a fault was meant to destroy. */
  readonly destroyed = new Set<string>()
  readonly complaints: string[] = []
  readonly takedowns: Takedown[] = []
  readonly outages: Outage[] = []
  groups: readonly string[] = ['drill_group']
  /** The sample handlers write no effect that could be judged. */
  handlers: 'drill' | 'sample' = 'drill'
  faults = 0
  /** Counted by the drill itself, where the events are too many for a ledger. */
  counts: Counts | undefined
  /** The promised bound of the recovery, where there is one. */
  maxRecoveryMs: number | undefined
  /** A drill in which no recovery could be timed has proved nothing. */
  mustRecover = false
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
  async fleet(size: number, env: Record<string, string> = {}, options?: FleetOptions): Promise<Fleet> {
    const defaults = {
      REDIS_URL: this.arena.proxy.url,
      GROUP: this.group,
      HANDLERS: this.handlers === 'drill' ? DRILL_HANDLERS : '',
      LEASE_MS: String(LEASE_MS),
      BLOCK_MS: '500',
      WORK_MS: '5',
      LOG_LEVEL: 'info',
    }
    const fleet = new Fleet(this.arena, { ...defaults, ...env }, { prefix: env.GROUP ?? 'w', ...options })
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
      await sleep(everyMs * (0.5 + this.random.next()))
      await fault()
      this.faults += 1
    }
    await done
  }

  /** Runs a fault that takes away Redis or any possible next owner for a while: no recovery is timed meanwhile. */
  async outage(fault: () => Promise<void>): Promise<void> {
    const from = Date.now()
    await fault()
    this.outages.push({ from, to: Date.now() + AFTER_OUTAGE_MS })
  }

  /** Kills a consumer, and notes what it held, so that the judge looks when that ran elsewhere. */
  async kill(fleet: Fleet, slot: number): Promise<Takedown> {
    const at = Date.now()
    const consumer = await fleet.kill(slot)
    const entryIds = await this.arena.group(this.group).heldBy(consumer)
    const takedown = { group: this.group, consumer, at, entryIds }
    this.takedowns.push(takedown)
    return takedown
  }

  /** Waits; what does not come in time is a complaint. Resolves to whether it came. */
  async sees(what: string, look: () => unknown, timeoutMs = this.options.deadlineMs): Promise<boolean> {
    return until(what, look, { timeoutMs }).then(
      () => true,
      (error) => {
        this.complaints.push(error.message)
        return false
      },
    )
  }

  /** Resolves once nothing is left to do. A drill that never gets there is judged as it stands. */
  async quiet(): Promise<void> {
    const groups = this.groups.map((name) => this.arena.group(name))
    await this.sees('nothing is left to do', async () => (await drawAndCount(groups)).isDone)
    endProgress()
  }

  complainUnless(isFine: boolean, complaint: string): void {
    if (!isFine) this.complaints.push(complaint)
  }

  /** No lease was lost, and no delivery charged: every start was a first delivery. */
  complainIfCharged(): void {
    const charged = this.arena.ledger().filter((line) => line.what === 'started' && line.attempt > 1).length
    this.complainUnless(charged === 0, `${charged} deliveries were charged an extra attempt`)
  }

  async close(): Promise<void> {
    for (const closer of this.#closers.reverse()) await closer()
  }
}
