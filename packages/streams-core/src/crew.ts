import { Connection, type ConnectionState, type RedisOptions } from './broker/connection.ts'
import { GroupBroker } from './broker/group.ts'
import { Keys } from './broker/keys.ts'
import { CLAIM_EVERY_MS, Claimer } from './claimer.ts'
import { Dispatcher } from './dispatcher.ts'
import { isMissingGroup, isRefusal, RedisUnavailableError } from './errors.ts'
import type { Handlers } from './handler.ts'
import { HealthKeeper, LOOK_EVERY_MS } from './health.ts'
import { Holdings } from './holdings.ts'
import { Janitor, TIDY_EVERY_MS } from './janitor.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import { every, jittered } from './loop.ts'
import type { ConsumerSettings } from './options.ts'
import { Patience } from './patience.ts'
import { Reader } from './reader.ts'
import type { Health, Tell } from './report.ts'
import { Runner } from './runner.ts'
import { Settler } from './settler.ts'
import type { Catalog, StreamDefinition } from './stream.ts'

/** The composition root: the actors of one running consumer, started together and stopped in a written order. */
export class Crew {
  readonly #settings: ConsumerSettings
  readonly #tell: Tell
  readonly #commands: Connection
  readonly #reads: Connection
  readonly #broker: GroupBroker
  readonly #holdings: Holdings
  readonly #settler: Settler
  readonly #dispatcher: Dispatcher
  readonly #reader: Reader
  readonly #claimer: Claimer
  readonly #keeper: LeaseKeeper
  readonly #janitor: Janitor
  readonly #health: HealthKeeper
  /** Ends the work with an error that no retrying can mend. */
  #refuse: (error: unknown) => void = () => {}
  readonly #refused = new Promise<never>((_, reject) => {
    this.#refuse = reject
  })

  constructor(
    stream: StreamDefinition,
    settings: ConsumerSettings,
    redis: RedisOptions,
    handlers: Handlers<Catalog>,
    tell: Tell,
  ) {
    const { group, consumer, leaseMs, concurrency, maxBuffered, blockMs, maxEventBytes } = settings
    const { maxDeliveries, delayMs } = settings.retry
    const guardTtlMs = settings.idempotency?.ttlMs
    const keys = new Keys(stream.name)
    this.#settings = settings
    this.#tell = tell
    this.#refused.catch(() => {})
    this.#commands = this.#connect(redis, 'commands')
    this.#reads = this.#connect(redis, 'reads')
    this.#broker = new GroupBroker(this.#commands, keys, settings)

    const broker = this.#broker
    const holdings = new Holdings(concurrency + maxBuffered)
    this.#holdings = holdings
    const patience = new Patience()
    const refuse = (error: unknown) => this.#refuse(error)
    const runner = new Runner({ stream, group, consumer, maxEventBytes, guardTtlMs }, handlers, {
      broker,
      patience,
      refuse,
    })
    const settling = { group, consumer, guardTtlMs: guardTtlMs ?? 0 }
    const settler = new Settler(settling, { broker, holdings, patience, tell, refuse })
    const dispatcher = new Dispatcher(
      { concurrency, policy: { maxDeliveries, delayMs, leaseMs } },
      { holdings, runner, settler },
    )
    this.#settler = settler
    this.#dispatcher = dispatcher
    this.#reader = new Reader(
      { blockMs, unblock: () => broker.unblock(this.#reads.server?.clientId ?? 0) },
      { broker: new GroupBroker(this.#reads, keys, settings), holdings, dispatcher },
    )
    this.#claimer = new Claimer(
      { group, consumer, leaseMs, maxDeliveries },
      { broker, holdings, dispatcher, reader: this.#reader, tell },
    )
    this.#keeper = new LeaseKeeper({ group, consumer, leaseMs }, { broker, holdings, tell })
    this.#janitor = new Janitor(stream.retention, { broker, tell })
    this.#health = new HealthKeeper(settings, { broker, holdings, reader: this.#reader, tell })
  }

  health(): Health {
    return this.#health.health()
  }

  async work(signal: AbortSignal): Promise<void> {
    const intake = new AbortController()
    const upkeep = new AbortController()
    const stopIntake = () => intake.abort()
    signal.addEventListener('abort', stopIntake)
    if (signal.aborted) stopIntake()
    let intakeLoops: Promise<unknown>[] = []
    let loops: Promise<unknown>[] = []
    try {
      await this.#join(intake.signal)
      if (intake.signal.aborted) return
      this.#health.phase = 'running'
      intakeLoops = [
        this.#loop('reader', 0, () => this.#reader.readOnce(intake.signal), intake.signal),
        this.#loop('claimer', jittered(CLAIM_EVERY_MS), () => this.#claimer.claimOnce(intake.signal), intake.signal),
        this.#loop('janitor', TIDY_EVERY_MS, () => this.#janitor.tidyOnce(), intake.signal),
        this.#loop('health', LOOK_EVERY_MS, () => this.#health.lookOnce(), intake.signal),
      ]
      // Not one of the loops that wait for a connection: a lost one is what it has to tell.
      const watching = every(LOOK_EVERY_MS, () => this.#health.tellChange(), { signal: intake.signal, onError() {} })
      const keeping = this.#loop('lease keeper', this.#keeper.everyMs, () => this.#keeper.extendOnce(), upkeep.signal)
      loops = [...intakeLoops, watching, keeping]
      const stopped = new Promise<void>((resolve) => intake.signal.addEventListener('abort', () => resolve()))
      await Promise.race([stopped, this.#refused, ...loops])
    } finally {
      signal.removeEventListener('abort', stopIntake)
      intake.abort()
      this.#health.phase = 'stopping'
      const unfinished = await this.#drain(upkeep, loops, intakeLoops)
      this.#health.phase = 'stopped'
      this.#tell({ kind: 'stopped', ...this.#who, unfinished })
    }
  }

  /** Waits for Redis, for as long as it takes, and creates the group. */
  async #join(signal: AbortSignal): Promise<void> {
    const joined = new AbortController()
    const join = async () => {
      // After a restart of Redis every lease looks expired, although its owner may live.
      this.#claimer.holdOffAfterOutage(this.#commands.server?.uptimeMs)
      const { created } = await this.#broker.createGroup()
      await this.#broker.disown()
      this.#tell({ kind: 'started', ...this.#who, groupCreated: created })
      joined.abort()
    }
    await this.#loop('start', 0, join, AbortSignal.any([signal, joined.signal]))
  }

  /**
   * In this order: nothing new comes in; what waits is handed back; what runs may finish; what does not, is handed
   * back; what is decided gets written. Leases are extended until then, and the name is given up last.
   */
  async #drain(upkeep: AbortController, loops: Promise<unknown>[], intakeLoops: Promise<unknown>[]): Promise<number> {
    const { drainTimeoutMs } = this.#settings
    const deadline = new AbortController()
    const warning = setTimeout(() => this.#dispatcher.interrupt(), drainTimeoutMs * 0.8)
    const timer = setTimeout(() => deadline.abort(), drainTimeoutMs)

    const paused = this.#reader.pause()
    this.#dispatcher.drain()
    // What a read or a claim still brings must be handed back, too: a reply that nobody waits for is a lost delivery.
    const late = new Promise((resolve) => deadline.signal.addEventListener('abort', resolve))
    await Promise.race([Promise.allSettled([paused, ...intakeLoops]), late])
    await this.#dispatcher.whenIdle(deadline.signal)
    clearTimeout(warning)
    clearTimeout(timer)

    const unfinished = this.#dispatcher.leaveBehind()
    const lastWrites = new AbortController()
    const grace = setTimeout(() => lastWrites.abort(), 2_000)
    await this.#dispatcher.whenIdle(lastWrites.signal)
    clearTimeout(grace)
    this.#settler.giveUp()
    upkeep.abort()
    if (this.#holdings.size === 0) await this.#broker.handBackRest().catch(() => {})
    await this.#broker.forgetConsumer().catch(() => {})
    await Promise.all([this.#commands.close(), this.#reads.close()])
    await Promise.allSettled(loops)
    return unfinished
  }

  get #who() {
    return { group: this.#settings.group, consumer: this.#settings.consumer }
  }

  #connect(redis: RedisOptions, connection: 'commands' | 'reads'): Connection {
    let wasLost = false
    const onState = (state: ConnectionState, cause?: Error) => {
      this.#tell({ kind: 'connection', connection, state, cause })
      if (connection === 'commands' && state === 'connected' && wasLost) this.#claimer.holdOffAfterOutage()
      wasLost = state === 'lost'
    }
    return new Connection({ redis, name: this.#settings.consumer, onState })
  }

  #loop(
    loop: string,
    intervalMs: number | (() => number),
    runOnce: () => Promise<unknown>,
    signal: AbortSignal,
  ): Promise<void> {
    const whenConnected = async () => {
      await this.#commands.ready(signal)
      if (!signal.aborted) await runOnce()
    }
    const onError = async (error: unknown, failures: number) => {
      if (isRefusal(error)) throw error
      if (isMissingGroup(error)) await this.#rebuildGroup()
      // A lost connection was told by the connection; the rest is told once until the loop works again.
      else if (!(error instanceof RedisUnavailableError) && failures === 1) this.#tell({ kind: 'trouble', loop, error })
    }
    return every(intervalMs, whenConnected, { signal, onError })
  }

  /** From the last stored low-water mark: not from 0, which would repeat everything, nor from $, which would lose. */
  async #rebuildGroup(): Promise<void> {
    try {
      const { created, startId, newestId } = await this.#broker.createGroup()
      if (created) this.#tell({ kind: 'group-rebuilt', group: this.#settings.group, startId, newestId })
    } catch (error) {
      if (isRefusal(error)) throw error
      // Whichever loop meets the missing group next tries again.
    }
  }
}
