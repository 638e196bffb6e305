import { now } from '../base/clock.ts'
import type { EncodedEvent } from '../define/encode.ts'

/** What `publish` resolves to. */
export interface Published {
  /** The event id. */
  id: string
  entryId: string
  /**
   * True when this event id had been appended before: `entryId` is that of the first append, and nothing was appended
   * now. Also true when a reply of Redis was lost: then the first append was this very publish.
   */
  duplicate: boolean
  /** Only of `publishUnchecked`: why `publish` would refuse the event. It names no data. Not there if it would not. */
  misfit?: string
}

/** An event whose publish has no answer yet. Answered once; later answers are ignored. */
export class OpenPublish {
  readonly id: string
  readonly event: EncodedEvent
  readonly deadline: number
  /** A call that carried the event was never answered: Redis may have the event. */
  mayBeInRedis = false
  #isOpen = true
  readonly #resolve: (published: Published) => void
  readonly #reject: (error: Error) => void

  constructor(
    { id, event, timeoutMs }: { id: string; event: EncodedEvent; timeoutMs: number },
    answer: { resolve: (published: Published) => void; reject: (error: Error) => void },
  ) {
    this.id = id
    this.event = event
    this.deadline = now() + timeoutMs
    this.#resolve = answer.resolve
    this.#reject = answer.reject
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  resolve(entryId: string, duplicate: boolean): void {
    this.#isOpen = false
    const { misfit } = this.event
    const published = { id: this.id, entryId, duplicate }
    this.#resolve(misfit === undefined ? published : { ...published, misfit })
  }

  reject(error: Error): void {
    this.#isOpen = false
    this.#reject(error)
  }
}
