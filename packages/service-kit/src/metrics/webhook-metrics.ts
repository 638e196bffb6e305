import { Counter, Histogram, type Registry } from 'prom-client'

export interface WebhookMetrics {
  /** A request has its answer. `source`: one that is configured, never what the request says. */
  answered(source: string, code: number, durationMs: number): void
  /** A request was refused. `reason`: one word of a closed set, never a message. */
  rejected(source: string, reason: string): void
}

/** The metrics of the door for webhooks. */
export function newWebhookMetrics(registry: Registry): WebhookMetrics {
  const registers = [registry]
  const requests = new Counter({
    ...{ registers, name: 'webhook_requests_total', labelNames: ['source', 'code'] },
    help: 'Requests that have their answer, by source and HTTP status',
  })
  const durations = new Histogram({
    ...{ registers, name: 'webhook_request_duration_seconds', labelNames: ['source'] },
    help: 'Time from the arrival of a request until its answer',
  })
  const rejects = new Counter({
    ...{ registers, name: 'webhook_rejected_total', labelNames: ['source', 'reason'] },
    help: 'Requests that were refused, by reason',
  })
  return {
    answered(source, code, durationMs) {
      requests.inc({ source, code: String(code) })
      durations.observe({ source }, durationMs / 1_000)
    },
    rejected(source, reason) {
      rejects.inc({ source, reason })
    },
  }
}
