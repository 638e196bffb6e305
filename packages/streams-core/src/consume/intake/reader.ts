import { now } from '../../base/clock.ts'
import { Condition } from '../../base/condition.ts'
import { compareIds } from '../../base/entry-id.ts'
import { sleep } from '../../base/loop.ts'
import type { IntakeBroker } from '../../broker/intake.ts'
import type { HandedEntry } from '../../broker/token.ts'
import type { Tell } from '../../tell/report.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import type { Room } from '../slots/room.ts'

/** More entries than this in one reply would hold the event loop up. */
const MAX_READ = 1_000

export interface ReaderOptions {
  group: string
  consumer: string
  blockMs: number
  /** Ends a blocking read early. Goes through another connection, because the one that reads is busy. */
  unblock: () => Promise<void>
}

/** Brings new entries, no more than the consumer has room for. */
export class Reader {
  readonly #options: ReaderOptions
  readonly #broker: IntakeBroker
  readonly #room: Room
  readonly #pipeline: Pipeline
  readonly #tell: Tell
  readonly #changed = new Condition()
  #isReading = false
  #pauses = 0
  #newestId = '0-0'
  /** When a read was last answered, or there was no reason to read; on the clock of `now()`. */
  lastReadAt = now()

  constructor(options: ReaderOptions, actors: { broker: IntakeBroker; room: Room; pipeline: Pipeline; tell: Tell }) {
    this.#options = options
    this.#broker = actors.broker
    this.#room = actors.room
    this.#pipeline = actors.pipeline
    this.#tell = actors.tell
  }

  get isPaused(): boolean {
    return this.#pauses > 0
  }

  async readOnce(signal: AbortSignal): Promise<number> {
    if (this.isPaused || this.#room.toRead === 0) {
      await this.#changed.wait(() => !this.isPaused, signal)
      await this.#room.whenToRead(signal)
      // Until now there was nothing to read for.
      this.lastReadAt = now()
    }
    // 0 if the room is gone again. Then nothing is read: to Redis, COUNT 0 means no limit.
    const count = Math.min(this.#room.toRead, MAX_READ)
    if (signal.aborted || this.isPaused || count === 0) return 0
    this.#isReading = true
    try {
      const entries = await this.#broker.read(count, this.#options.blockMs)
      this.lastReadAt = now()
      this.#noticeRepetition(entries)
      this.#pipeline.accept(entries, 'read')
      return entries.length
    } finally {
      this.#isReading = false
      this.#changed.notify()
    }
  }

  #noticeRepetition(entries: readonly HandedEntry[]): void {
    const [first, last] = [entries[0], entries.at(-1)]
    if (!first || !last) return
    const { group, consumer } = this.#options
    if (compareIds(first.entryId, this.#newestId) <= 0)
      this.#tell({ kind: 'read-again', group, consumer, entryId: first.entryId })
    this.#newestId = last.entryId
  }

  /** Resolves when no read is under way; none is begun before `resume`. */
  async pause(): Promise<void> {
    this.#pauses += 1
    const stopped = new AbortController()
    const idle = this.#changed.wait(() => !this.#isReading, stopped.signal).then(() => stopped.abort())
    // Again and again: a read that has not reached Redis yet cannot be unblocked.
    while (this.#isReading && !stopped.signal.aborted) {
      await this.#options.unblock().catch(() => {})
      await sleep(20, stopped.signal)
    }
    await idle
  }

  resume(): void {
    this.#pauses -= 1
    this.lastReadAt = now()
    this.#changed.notify()
  }
}
