import type { PublishResult, Report } from '@redis-streams-processor/streams-core'
import type { Registry } from 'prom-client'
import { newConnectionMetrics } from './connection-metrics.ts'
import { Counts, DurationHistogram } from './tallies.ts'

/**
 * The metrics of the producers of this process, made of their reports and of nothing else.
 * @returns To be called for each producer: makes what to pass to it as `onReport`.
 */
export function newProducerMetrics(registry: Registry): () => (report: Report) => void {
  const counts = new Counts({
    ...{ registry, name: 'streams_published_total' },
    help: 'Publishes that have their answer, by result: appended, duplicate, or an error',
  })
  const published = {
    appended: counts.with({ result: 'appended' }),
    duplicate: counts.with({ result: 'duplicate' }),
    invalid: counts.with({ result: 'invalid' }),
    'stream-full': counts.with({ result: 'stream-full' }),
    'buffer-full': counts.with({ result: 'buffer-full' }),
    'timed-out': counts.with({ result: 'timed-out' }),
    refused: counts.with({ result: 'refused' }),
    closed: counts.with({ result: 'closed' }),
    failed: counts.with({ result: 'failed' }),
  } satisfies Record<PublishResult, unknown>
  const durations = new DurationHistogram({
    ...{ registry, name: 'streams_publish_duration_seconds' },
    help: 'Time from the call of publish until its answer, errors included',
  }).with({})
  const newConnections = newConnectionMetrics(registry)
  return () => {
    const observeConnection = newConnections()
    return (report) => {
      switch (report.kind) {
        case 'publish':
          published[report.result].add()
          return durations.observeMs(report.durationMs)
        case 'connection':
          return observeConnection(report)
      }
    }
  }
}
