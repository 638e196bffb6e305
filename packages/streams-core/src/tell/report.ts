import type { ConnectionState } from '../broker/connection.ts'
import type { Verdict } from '../broker/controls.ts'
import type { ServerWarning } from '../broker/server-settings.ts'
import type { ClaimReason } from '../broker/token.ts'
import type { Outcome, RunResult } from '../define/outcome.ts'
import type { PublishResult } from '../define/publish-result.ts'

/** One delivery, settled. */
export interface SettledReport {
  kind: 'settled'
  /** What became of the delivery. */
  outcome: Outcome
  /** How the delivery went. */
  result: RunResult['result']
  group: string
  consumer: string
  entryId: string
  attempt: number
  /** Id and type are undefined where the entry was deleted, or has nothing in their place that an event id could be. */
  eventId: string | undefined
  eventType: string | undefined
  /** Milliseconds from its start (see `ageMs`) until the outcome was written; 0 without a slot. */
  durationMs: number
  /** Milliseconds from its start (see `ageMs`) until the result was known; 0 without a slot. */
  handlerMs: number
  /**
   * How old the entry was at its start, that is when it got a handler slot, or when the limit of the group let it start,
   * if there is one: milliseconds since Redis appended it, by Redis' clock as far as the
   * consumer can tell. Undefined without a slot.
   */
  ageMs: number | undefined
}

export interface Load {
  waiting: number
  running: number
  settling: number
  /** How many handlers may run at a time. */
  concurrency: number
}

/** Whether a consumer gets on with its work, and why not. */
export type Health = { ready: true } | { ready: false; reason: string }

/** What consumers and producers tell: the one source of log lines, of metrics, and of what tests wait for. */
export type Report =
  | SettledReport
  | { kind: 'started'; group: string; consumer: string; groupCreated: boolean }
  /** `unfinished`: deliveries that still had a handler slot when the time to drain was over. */
  | { kind: 'stopped'; group: string; consumer: string; unfinished: number }
  | { kind: 'connection'; connection: 'commands' | 'reads'; state: ConnectionState; cause: Error | undefined }
  /** A setting of Redis weakens a promise. Told once for each value, after connecting. */
  | ({ kind: 'server-setting' } & ServerWarning)
  /** One for each reason. */
  | { kind: 'claimed'; group: string; consumer: string; reason: ClaimReason; entryIds: string[] }
  /** Redis had delivered these entries, and the reply was lost. */
  | { kind: 'retaken'; group: string; consumer: string; entryIds: string[] }
  | { kind: 'quarantined'; group: string; consumer: string; suspects: number }
  | { kind: 'lease-lost'; group: string; consumer: string; entryIds: string[] }
  /** The group was gone and is created again; entries after `startId`, up to `newestId`, are delivered again. */
  | { kind: 'group-rebuilt'; group: string; startId: string; newestId: string }
  /** `entryId` was read once more: somebody has set the group back (XGROUP SETID), or it was created again. */
  | { kind: 'read-again'; group: string; consumer: string; entryId: string }
  | { kind: 'trimmed'; entries: number }
  | { kind: 'consumers-deleted'; consumers: number }
  /** The lossy retention has dropped entries that the group had not acknowledged; `total` since the stream began. */
  | { kind: 'dropped-unread'; group: string; total: number }
  /** The group is behind and has not moved for `stalledMs`. `neededId`: the oldest entry that it needs. */
  | { kind: 'group-behind'; group: string; neededId: string; pending: number; stalledMs: number }
  /**
   * Time has jumped, as Redis sees it. Above 0: Redis hung, or its clock was set ahead; until living consumers have
   * extended their leases, due retries are all that is claimed. Below 0: its clock was set back; leases are counted anew.
   */
  | { kind: 'time-jumped'; group: string; byMs: number }
  /**
   * What the consumer holds has changed. Told once a second at most. `waiting`: entries without a handler slot.
   * `running`: entries whose handlers run. `settling`: entries whose outcome is being written.
   */
  | ({ kind: 'load'; group: string; consumer: string } & Load)
  /** Readiness has come or gone. */
  | ({ kind: 'health'; group: string; consumer: string } & Health)
  /**
   * The consumer has seen that the group, or an event type of it, is paused: from now on it starts nothing. `since`: by
   * Redis' clock, RFC 3339.
   */
  | {
      kind: 'paused'
      group: string
      consumer: string
      eventType: string | undefined
      by: 'operator' | 'circuit'
      since: string
      reason: string | undefined
    }
  /** The consumer has seen that this pause is over. */
  | { kind: 'resumed'; group: string; consumer: string; eventType: string | undefined }
  /** The consumer has seen a new limit of the group. `perSecond`: undefined for none. */
  | { kind: 'limited'; group: string; consumer: string; perSecond: number | undefined }
  /** This consumer has opened the circuit: `failed` of its last `deliveries` handlers failed. */
  | { kind: 'circuit-opened'; group: string; consumer: string; failed: number; deliveries: number }
  /** A delivery was tried while the circuit was open. `verdict` is `none` where it tells nothing. */
  | { kind: 'circuit-probed'; group: string; consumer: string; entryId: string; verdict: Verdict }
  /** This consumer has closed the circuit, because its probe did not fail. */
  | { kind: 'circuit-closed'; group: string; consumer: string; entryId: string }
  /** One publish of a producer has its answer; `durationMs` is the time that it took. Not logged: the caller knows. */
  | { kind: 'publish'; result: PublishResult; eventType: string; durationMs: number }
  /** A loop or the settler failed and goes on; a loop tells it once until a round succeeds. */
  | { kind: 'trouble'; where: string; error: unknown }

export interface Tell {
  (report: Report): void
  /** Whether anybody listens: a report about each event is not made for nobody. */
  readonly isHeard: boolean
}
