import type { Report } from '@redis-streams-processor/streams-core'
import type { Registry } from 'prom-client'
import { Counts } from './tallies.ts'

type ConnectionReport = Extract<Report, { kind: 'connection' }>

/**
 * Counts connections that were lost and made again.
 * @returns To be called for each consumer or producer: makes what to call with its reports.
 */
export function newConnectionMetrics(registry: Registry): () => (report: ConnectionReport) => void {
  const reconnects = new Counts({
    ...{ registry, name: 'streams_redis_reconnects_total' },
    help: 'Connections to Redis that were lost and made again',
  }).with({})
  return () => {
    const wereConnected = new Set<string>()
    return ({ connection, state }) => {
      if (state !== 'connected') return
      if (wereConnected.has(connection)) reconnects.add()
      wereConnected.add(connection)
    }
  }
}
