import type { Fields } from '../define/entry.ts'

/** More deliveries than this go in several script calls, so that no call holds Redis up for long. */
export const CHUNK = 500

/** The fencing token of a delivery: its owner and its attempt. Scripts that write for a delivery check it first. */
export interface Token {
  readonly entryId: string
  /** The consumer name that the entry is pending under. */
  readonly owner: string
  /** Deliveries so far, this one included: what Redis counts. */
  readonly attempt: number
}

/** An entry that Redis has handed to this consumer. */
export interface HandedEntry extends Token {
  /** Flat: field, value, …; `undefined` when somebody deleted the entry while it was pending. */
  readonly fields: Fields | undefined
  /** `crashed`: it is not to be run again, only settled. `probe`: it is run although the circuit is open. */
  readonly kind: 'run' | 'crashed' | 'probe'
  /** Of a probe: when its circuit was opened. RFC 3339. */
  readonly probeOf?: string | undefined
  /** When the command that brought the entry was sent, on the clock of `now()`. The lease is counted from then. */
  readonly since: number
}

/**
 * Why an entry was claimed. `due`: it was retried or released, and is due. `lease-over`: its consumer gave no sign of
 * life. `suspect`: to be run alone. `crashed`: to be settled without another run. `probe`: to find out whether an open
 * circuit can be closed.
 */
export type ClaimReason = 'due' | 'lease-over' | 'suspect' | 'crashed' | 'probe'

export interface ClaimedEntry extends HandedEntry {
  readonly reason: ClaimReason
}

/** A delivery that may have an idempotency record. */
export interface RecordedToken extends Token {
  readonly recordKey?: string | undefined
}

export const recordKeysOf = (tokens: readonly RecordedToken[]): string[] =>
  tokens.flatMap(({ recordKey }) => recordKey ?? [])

/** Chunks in which either every delivery has an idempotency record or none has, as the scripts want them. */
export function* chunksByRecord<T extends RecordedToken>(tokens: readonly T[]): Generator<T[]> {
  const recorded = tokens.filter(({ recordKey }) => recordKey)
  const others = tokens.filter(({ recordKey }) => !recordKey)
  for (const part of [recorded, others]) {
    for (let i = 0; i < part.length; i += CHUNK) yield part.slice(i, i + CHUNK)
  }
}
