import type { LogLine, Worker } from '@redis-streams-processor/testbed'
import type { Arena } from './arena.ts'

interface Member {
  name: string
  worker: Worker
}

/** After this many in a row that end before they join, no more are started: no event can have killed them all. */
const MAX_STILLBORN = 8

/** Whether a consumer says in this line of its log that it released an entry. */
export const saysReleased = ({ msg }: LogLine) => msg === 'released'

export interface FleetOptions {
  /** What the names of the consumers begin with. */
  prefix?: string
  /** Default true: a consumer that dies is replaced at once, under a new name. */
  isSupervised?: boolean
}

/** Numbered consumers, each of them a process. */
export class Fleet {
  readonly #arena: Arena
  readonly #env: Record<string, string>
  readonly #options: Required<FleetOptions>
  readonly #members: Member[] = []
  readonly #all: Worker[] = []
  /** For each slot: resolves once its newest consumer has joined. */
  readonly #joined: Promise<void>[] = []
  #incarnations = 0
  #isStopping = false
  /** Processes that ended other than by `stop` or `replace`. */
  crashes = 0
  /** Why a slot stays empty. */
  failure: Error | undefined

  constructor(arena: Arena, env: Record<string, string>, { prefix = 'w', isSupervised = true }: FleetOptions = {}) {
    this.#arena = arena
    this.#env = env
    this.#options = { prefix, isSupervised }
  }

  /** What all consumers have logged, also those that are gone. */
  get lines(): LogLine[] {
    return this.#all.flatMap((worker) => [...worker.lines])
  }

  get members(): readonly Member[] {
    return this.#members
  }

  /** Starts this many consumers; resolves once all have joined. */
  async start(size: number): Promise<void> {
    await Promise.all(Array.from({ length: size }, (_, slot) => this.#launch(slot)))
  }

  /** Resolves once there is a consumer in every slot that has joined the group. */
  async whenComplete(): Promise<void> {
    await Promise.all(this.#joined)
  }

  /** SIGKILL. Resolves to the name of the consumer once it is dead. */
  async kill(slot: number): Promise<string> {
    const { name, worker } = this.#members[slot] as Member
    worker.kill('SIGKILL')
    await worker.exited()
    return name
  }

  signal(slot: number, signal: NodeJS.Signals): void {
    this.#members[slot]?.worker.kill(signal)
  }

  /** SIGTERM; its successor is started at the same time, as a rolling deploy does. */
  async replace(slot: number): Promise<void> {
    const { worker } = this.#members[slot] as Member
    const joined = this.#launch(slot)
    await Promise.all([worker.stop(), joined])
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    for (const { worker } of this.#members) {
      worker.kill('SIGCONT')
      await worker.stop()
    }
  }

  /**
   * Resolves once a consumer in this slot has joined: this one or, if it ended before, its successor; also when the
   * fleet stops.
   */
  #launch(slot: number, stillborn = 0): Promise<void> {
    const joined = this.#startIn(slot, stillborn)
    this.#joined[slot] = joined
    return joined
  }

  async #startIn(slot: number, stillborn: number): Promise<void> {
    this.#incarnations += 1
    const firstName = `${this.#options.prefix}${slot + 1}`
    const name = this.#members[slot] ? `${firstName}.${this.#incarnations}` : firstName
    const worker = this.#arena.start('consumer', { ...this.#env, CONSUMER: name })
    this.#members[slot] = { name, worker }
    this.#all.push(worker)
    let hasJoined = false
    const joined = worker
      .waitFor(({ msg }) => msg === 'consumer started')
      .then(() => {
        hasJoined = true
      })
    const replaced = worker.exited().then(async () => {
      if (this.#isStopping || this.#members[slot]?.worker !== worker) return
      this.crashes += 1
      const isGivenUp = !hasJoined && stillborn + 1 >= MAX_STILLBORN
      if (isGivenUp || !this.#options.isSupervised) return joined
      await this.#launch(slot, hasJoined ? 0 : stillborn + 1)
    })
    replaced.catch((error) => {
      this.failure = error
    })
    await joined.catch(() => replaced)
  }
}
