import type { HeldToken } from '../../broker/leases.ts'
import type { HandedEntry } from '../../broker/token.ts'
import { type Decoded, decode } from '../../define/decode.ts'
import { fieldOf, isEventId, type Redrive, redriveOf } from '../../define/entry.ts'
import type { RunResult } from '../../define/outcome.ts'
import type { Catalog } from '../../define/stream.ts'
import { Lease } from './lease.ts'

export interface DecodeOptions {
  catalog: Catalog
  maxEventBytes: number
  leaseMs: number
}

/** One handing of an entry to this consumer, from its arrival until it is settled. */
export class Delivery implements HeldToken {
  readonly entryId: string
  readonly attempt: number
  /** As far as this consumer knows: it changes when an entry that ran alone goes on beside others. */
  owner: string
  /** `crashed`: it is not to be run again, only settled. `probe`: it is run although the circuit is open. */
  readonly kind: HandedEntry['kind']
  /** Of a probe: when its circuit was opened. */
  readonly probeOf: string | undefined
  readonly lease: Lease
  /** Key of the idempotency record, once the record is this delivery's. */
  recordKey: string | undefined
  /** When it got a handler slot and, if the group has a limit, its start; on the clock of `now()`. */
  startedAt: number | undefined
  /** Of a suspect that runs alone: it has had its start before that, if the group has a limit. */
  hasStart = false
  /** Its handler was called. */
  isCalled = false
  /** What its handler's `commit` has decided: how the run went, whatever comes afterwards. */
  decided: RunResult | undefined
  /** While a `commit` is on its way. Never rejects. */
  committing: Promise<void> | undefined
  /** It has its result: its handler must not be called any more. */
  isConcluded = false
  readonly #handed: HandedEntry
  readonly #options: DecodeOptions
  #decoded: Decoded | undefined

  constructor(handed: HandedEntry, options: DecodeOptions) {
    this.entryId = handed.entryId
    this.attempt = handed.attempt
    this.owner = handed.owner
    this.kind = handed.kind
    this.probeOf = handed.probeOf
    this.lease = new Lease(handed.entryId, options.leaseMs, handed.since)
    this.#handed = handed
    this.#options = options
  }

  /**
   * What the entry holds; `undefined` when somebody deleted the entry while it was pending. Decoded once, when it is
   * first asked for: a schema is code of the user's, which may kill the process or take long. So it runs when the entry
   * has a handler slot, and alone if the entry is a crash suspect.
   */
  decode(): Decoded | undefined {
    const { fields } = this.#handed
    this.#decoded ??= fields && decode(this.#options.catalog, fields, this.#options.maxEventBytes)
    return this.#decoded
  }

  /** Acknowledged by `commit`, although its handler may still run: there is nothing left to extend or to lose. */
  get isCommitted(): boolean {
    return this.decided?.result === 'committed'
  }

  /** When it got its slot and its start, while its handler runs. Undefined before and after. */
  get runningSince(): number | undefined {
    return this.isCalled && !this.isConcluded ? this.startedAt : undefined
  }

  /** Undefined unless the entry was redriven. */
  get redrive(): Redrive | undefined {
    return this.#handed.fields && redriveOf(this.#handed.fields)
  }

  /** What stands in the field `type`, which is not decoded for it: it may be anything. */
  get type(): string | undefined {
    return this.#handed.fields && fieldOf(this.#handed.fields, 'type')
  }

  /** Id and type of the event, to be told. Of an entry that is not decoded, or is no event: what can be an id or a type. */
  get event(): { id: string | undefined; type: string | undefined } {
    if (this.#decoded?.ok) return this.#decoded.event
    const { type } = this
    const id = this.#handed.fields && fieldOf(this.#handed.fields, 'id')
    return { id: isEventId(id) ? id : undefined, type: isEventId(type) ? type : undefined }
  }

  /** The same entry under another owner, with a lease of its own. */
  under(owner: string, since: number): Delivery {
    return new Delivery({ ...this.#handed, owner, since }, this.#options)
  }
}
