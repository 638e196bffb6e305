import type { HandedEntry, Token } from '../../broker/token.ts'
import { type Decoded, decode } from '../../define/decode.ts'
import { type Redrive, redriveOf } from '../../define/entry.ts'
import type { Catalog } from '../../define/stream.ts'
import { Lease } from './lease.ts'

/** One handing of an entry to this consumer, from its arrival until it is settled. */
export interface Delivery extends Token {
  /** Changes when an entry that ran alone goes on in company. */
  owner: string
  /** What the entry holds; `undefined` when somebody deleted the entry while it was pending. */
  readonly decoded: Decoded | undefined
  /** `crashed`: it is not to be run again, only settled. */
  readonly kind: HandedEntry['kind']
  /** Undefined unless the entry was redriven. */
  readonly redrive: Redrive | undefined
  readonly lease: Lease
  /** Key of the idempotency record, once the record is this delivery's. */
  recordKey: string | undefined
}

export interface DecodeOptions {
  catalog: Catalog
  maxEventBytes: number
  leaseMs: number
}

/** Entry → delivery. Never throws: whatever somebody has appended becomes an event, or a reason why it is none. */
export function toDelivery(handed: HandedEntry, { catalog, maxEventBytes, leaseMs }: DecodeOptions): Delivery {
  const { entryId, owner, attempt, kind, fields, since } = handed
  return {
    entryId,
    owner,
    attempt,
    kind,
    decoded: fields && decode(catalog, fields, maxEventBytes),
    redrive: fields && redriveOf(fields),
    lease: new Lease(entryId, leaseMs, since),
    recordKey: undefined,
  }
}

/** The same delivery under another owner, with a lease of its own. */
export function underOwner(delivery: Delivery, owner: string, leaseMs: number, since: number): Delivery {
  return { ...delivery, owner, lease: new Lease(delivery.entryId, leaseMs, since) }
}
