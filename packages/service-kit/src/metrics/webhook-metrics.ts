import type { Registry } from 'prom-client'
import { type Count, Counts, DurationHistogram, type Durations } from './tallies.ts'

export interface WebhookMetrics<Status extends number, Reason extends string> {
  /**
   * A request has its answer. `source`: one that is served; undefined where the request names none. `durationMs`:
   * undefined where nobody knows when the request began.
   */
  answered(source: string | undefined, status: Status, durationMs: number | undefined): void
  /** A request was refused. */
  rejected(source: string | undefined, reason: Reason): void
  /** An event was appended although the catalog does not fit it. */
  unfit(source: string): void
}

/** What labels may say: what is not among it would be a series of its own, and anybody may send anything. */
export interface WebhookLabels<Status extends number, Reason extends string> {
  sources: readonly string[]
  statuses: readonly Status[]
  reasons: readonly Reason[]
}

/** The source of a request that names none. */
const OTHER_SOURCE = 'other'

interface SourceMetrics<Status, Reason> {
  requests: ReadonlyMap<Status, Count>
  durations: Durations
  rejected: ReadonlyMap<Reason, Count>
  unfit: Count
}

/** The metrics of an endpoint for webhooks. Every series is there, at 0, from the beginning. */
export function newWebhookMetrics<Status extends number, Reason extends string>(
  registry: Registry,
  { sources, statuses, reasons }: WebhookLabels<Status, Reason>,
): WebhookMetrics<Status, Reason> {
  const requests = new Counts({
    ...{ registry, name: 'webhook_requests_total' },
    help: 'Requests that have their answer, by source and HTTP status',
  })
  const durations = new DurationHistogram({
    ...{ registry, name: 'webhook_request_duration_seconds' },
    help: 'Time from the head of a request until its answer',
  })
  const rejected = new Counts({
    ...{ registry, name: 'webhook_rejected_total' },
    help: 'Requests that were refused before an event was made of them, by reason',
  })
  const unfit = new Counts({
    ...{ registry, name: 'webhook_unfit_total' },
    help: 'Webhooks that were appended although the catalog does not fit them',
  })
  const newSource = (source: string): SourceMetrics<Status, Reason> => ({
    requests: new Map(statuses.map((status) => [status, requests.with({ source, code: String(status) })])),
    durations: durations.with({ source }),
    rejected: new Map(reasons.map((reason) => [reason, rejected.with({ source, reason })])),
    unfit: unfit.with({ source }),
  })
  const other = newSource(OTHER_SOURCE)
  const served = new Map(sources.map((source) => [source, newSource(source)]))
  const of = (source: string | undefined) => (source !== undefined && served.get(source)) || other

  return {
    answered(source, status, durationMs) {
      of(source).requests.get(status)?.add()
      if (durationMs !== undefined) of(source).durations.observeMs(durationMs)
    },
    rejected(source, reason) {
      of(source).rejected.get(reason)?.add()
    },
    unfit(source) {
      of(source).unfit.add()
    },
  }
}
