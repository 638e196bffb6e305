import { every } from '../base/loop.ts'
import type { Health, Tell } from '../tell/report.ts'
import { assembleCrew, type Crew, type CrewOptions } from './crew.ts'
import { HEALTH_EVERY_MS, LOOK_EVERY_MS } from './upkeep/health.ts'
import { TIDY_EVERY_MS } from './upkeep/janitor.ts'
import { LOAD_EVERY_MS } from './upkeep/load.ts'

/** Time for the last writes, once the time to drain is over. */
const LAST_WRITES_MS = 2_000

/** The life of one consumer: joins its group, works until it is told to stop, drains in a fixed order. */
export class Lifecycle {
  readonly #crew: Crew
  readonly #who: { group: string; consumer: string }
  readonly #drainTimeoutMs: number
  readonly #tell: Tell
  readonly #refused: Promise<never>

  constructor(options: Omit<CrewOptions, 'onRefusal'>) {
    const { group, consumer, drainTimeoutMs } = options.settings
    let onRefusal: (error: unknown) => void = () => {}
    this.#refused = new Promise<never>((_, reject) => {
      onRefusal = reject
    })
    this.#refused.catch(() => {})
    this.#who = { group, consumer }
    this.#drainTimeoutMs = drainTimeoutMs
    this.#tell = options.tell
    this.#crew = assembleCrew({ ...options, onRefusal })
  }

  health(): Health {
    return this.#crew.health.health()
  }

  /** @throws {RedisRefusedError} when Redis refuses for good. Even then the consumer drains first. */
  async work(signal: AbortSignal): Promise<void> {
    const { slots, starts, health } = this.#crew
    const intake = new AbortController()
    const leases = new AbortController()
    const stopIntake = () => intake.abort()
    // The slots drain in the same moment, so that an entry that arrives from now on is not started.
    intake.signal.addEventListener('abort', () => {
      slots.drain()
      starts.stop()
    })
    signal.addEventListener('abort', stopIntake)
    if (signal.aborted) stopIntake()
    let intakeLoops: Promise<unknown>[] = []
    let loops: Promise<unknown>[] = []
    try {
      await this.#join(intake.signal)
      if (intake.signal.aborted) return
      health.phase = 'running'
      intakeLoops = this.#startIntake(intake.signal)
      loops = [...intakeLoops, ...this.#startUpkeep(intake.signal, leases.signal)]
      const stopped = new Promise<void>((resolve) => intake.signal.addEventListener('abort', () => resolve()))
      await Promise.race([stopped, this.#refused, ...loops])
    } finally {
      signal.removeEventListener('abort', stopIntake)
      intake.abort()
      health.phase = 'stopping'
      const unfinished = await this.#drain(leases, loops, intakeLoops)
      health.phase = 'stopped'
      this.#tell({ kind: 'stopped', ...this.#who, unfinished })
    }
  }

  /** Waits for Redis, for as long as it takes, and creates the group. */
  async #join(signal: AbortSignal): Promise<void> {
    const { commands, membership, controls, holdOff } = this.#crew
    const joined = new AbortController()
    const join = async () => {
      // After a restart of Redis every lease looks as if it were over, although its owner may live.
      holdOff.afterOutage(commands.server?.uptimeMs)
      const { created } = await membership.createGroup()
      await membership.disown()
      // Before anything is read: the group may be paused.
      await controls.look()
      this.#tell({ kind: 'started', ...this.#who, groupCreated: created })
      joined.abort()
    }
    await this.#loop('start', 0, join, AbortSignal.any([signal, joined.signal]))
  }

  #startIntake(signal: AbortSignal): Promise<unknown>[] {
    const { reader, claimer } = this.#crew
    return [
      this.#loop('reader', 0, () => reader.readOnce(signal), signal),
      this.#loop('claimer', 0, () => claimer.claimOnce(signal), signal),
    ]
  }

  /** Leases are extended until the drain is over; the rest ends with the intake. */
  #startUpkeep(signal: AbortSignal, untilDrained: AbortSignal): Promise<unknown>[] {
    const { janitor, health, load, leaseKeeper, controls } = this.#crew
    return [
      this.#loop('controls', 0, () => controls.lookWhenOld(signal), signal),
      this.#loop('janitor', TIDY_EVERY_MS, () => janitor.tidyOnce(), signal),
      this.#loop('health', LOOK_EVERY_MS, () => health.lookOnce(), signal),
      // Not loops that wait for a connection: they have to tell what happens without one.
      every(HEALTH_EVERY_MS, () => health.tellChange(), { signal, onError() {} }),
      every(LOAD_EVERY_MS, async () => load.tellChange(), { signal: untilDrained, onError() {} }),
      this.#loop('lease keeper', leaseKeeper.everyMs, () => leaseKeeper.extendOnce(), untilDrained),
    ]
  }

  /**
   * In this order: the intake stops; waiting entries are released; running handlers may finish; the entries of those
   * that do not finish are released; what was decided is written. Leases are extended until all is written. The name is
   * deleted last.
   */
  async #drain(leases: AbortController, loops: Promise<unknown>[], intakeLoops: Promise<unknown>[]): Promise<number> {
    const { reader, slots, pipeline, settler, holdings, membership, commands, reads } = this.#crew
    const deadline = new AbortController()
    const interrupt = () => {
      const reason = new Error('the consumer is stopping')
      slots.interrupt(reason)
      holdings.interruptCommits(reason)
    }
    const warning = setTimeout(interrupt, this.#drainTimeoutMs * 0.8)
    const timer = setTimeout(() => deadline.abort(), this.#drainTimeoutMs)

    const paused = reader.pause()
    // A last read or claim may still bring entries. They are released, too: otherwise they stay pending for a lease.
    const late = new Promise((resolve) => deadline.signal.addEventListener('abort', resolve))
    await Promise.race([Promise.allSettled([paused, ...intakeLoops]), late])
    await pipeline.whenIdle(deadline.signal)
    clearTimeout(warning)
    clearTimeout(timer)

    const unfinished = slots.leaveBehind()
    const lastWrites = new AbortController()
    const grace = setTimeout(() => lastWrites.abort(), LAST_WRITES_MS)
    await pipeline.whenIdle(lastWrites.signal)
    clearTimeout(grace)
    settler.giveUp()
    leases.abort()
    if (holdings.size === 0) await membership.releaseRest().catch(() => {})
    await membership.forgetConsumer().catch(() => {})
    await Promise.all([commands.close(), reads.close()])
    await Promise.allSettled(loops)
    return unfinished
  }

  /** A loop whose rounds wait for a connection. */
  #loop(name: string, intervalMs: number, runOnce: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
    const { commands, loopErrors } = this.#crew
    const whenConnected = async () => {
      await commands.ready(signal)
      if (!signal.aborted) await runOnce()
    }
    const onError = (error: unknown, failures: number) => loopErrors.handle(name, error, failures)
    return every(intervalMs, whenConnected, { signal, onError })
  }
}
