import type { RawControls } from './controls.ts'
import type { ClaimedEntry } from './token.ts'

/** What a claim has brought. */
export interface Claimed {
  entries: ClaimedEntry[]
  /** The controls of the group, as they were then. */
  controls: RawControls
  /** Crash suspects that wait for a consumer to run them alone. */
  suspects: number
  /** There is more to claim now. */
  hasMore: boolean
  /** Until there may be something to claim, as far as one can tell now. */
  waitMs: number
  /** Redis hung, or its clock was set ahead, by so much that due retries were all that was claimed; otherwise 0. */
  lateMs: number
  /** By how much Redis' clock is found to be set back; otherwise 0. */
  setBackMs: number
  /** A lease under this consumer's name is half over: the consumer may not know that it has the entry. */
  mayHaveLostReplies: boolean
}

export interface ClaimOptions {
  /** How many entries at most. */
  limit: number
  maxDeliveries: number
  /** Claim due retries only. */
  holdsOff: boolean
  /** How much later than others this consumer claims an entry; above 0 if it has no free handler slot. */
  delayMs: number
  /** Time to live of the scan lock: while there is nothing to claim, the group is scanned about once in this time. */
  lockMs: number
}

export type RawClaim = [id: string, attempt: number, fields: string[] | null]
/** The reply of the script. */
export type RawClaimed = [
  ...[serverMs: number, lateMs: number, setBackMs: number, waitMs: number, hasMore: number, suspects: number],
  ...[isHalfOver: number, controls: string[]],
  ...[reason: Exclude<ClaimedEntry['reason'], 'suspect'>, ...RawClaim][],
]
