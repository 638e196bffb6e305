import {
  openInspector,
  type RedisOptions,
  type StreamDefinition,
  type StreamState,
} from '@redis-streams-processor/streams-core'
import { Counter, Gauge, type Registry } from 'prom-client'

type Group = StreamState['groups'][number]

/** What is looked at within this time is not looked at again. */
const FRESH_MS = 1_000
/** A scrape does not wait longer for Redis: a scraper with little time would take this process for dead. */
const TIMEOUT_MS = 500

const GROUP_GAUGES: [name: string, help: string, read: (group: Group) => number][] = [
  ['streams_group_lag', 'Entries that were not delivered to the group yet', ({ lag }) => lag],
  ['streams_group_pending', 'Entries that consumers of the group hold', ({ pending }) => pending],
  [
    'streams_group_waiting_for_retry',
    'Entries that wait for their next delivery',
    ({ waitingForRetry }) => waitingForRetry,
  ],
  [
    'streams_group_set_aside',
    'Entries that wait for the end of a pause of their event type',
    ({ pausedTypes }) => pausedTypes.reduce((sum, { setAside }) => sum + setAside, 0),
  ],
  [
    'streams_group_oldest_unhandled_seconds',
    'Age of the oldest entry that the group has not acknowledged; 0 if there is none',
    ({ oldestUnhandledMs }) => oldestUnhandledMs / 1_000,
  ],
  ['streams_group_dead_letters', 'Dead letters of the group', ({ deadLetters }) => deadLetters],
]

export interface FiguresOptions {
  registry: Registry
  redis: RedisOptions
  stream: StreamDefinition
  /** Told why there are no figures; once, until there are some again. */
  onError: (error: Error) => void
}

/**
 * The figures of a stream and its groups. They are the same whoever asks, so only the producer exports them: exported by
 * every consumer, they would be added up. While Redis does not answer, the metrics are left out.
 * @returns A function that closes the connection.
 */
export function exportStreamFigures({ registry, redis, stream, onError }: FiguresOptions): () => Promise<void> {
  const registers = [registry]
  const labels = { stream: stream.name }
  const inspector = openInspector(stream, { redis, timeoutMs: TIMEOUT_MS })
  let newest: { at: number; state: Promise<StreamState | undefined> } | undefined
  let isTold = false

  const inspect = async () => {
    try {
      const state = await inspector.inspect()
      isTold = false
      return state
    } catch (error) {
      if (!isTold) onError(error as Error)
      isTold = true
      return undefined
    }
  }
  // All the metrics of a scrape ask, and get one look.
  const look = () => {
    if (!newest || performance.now() - newest.at > FRESH_MS) newest = { at: performance.now(), state: inspect() }
    return newest.state
  }

  for (const [name, help, read] of GROUP_GAUGES) {
    new Gauge({
      ...{ registers, name, help, labelNames: ['group'] },
      async collect() {
        const state = await look()
        this.reset()
        for (const group of state?.groups ?? []) this.set({ group: group.group }, read(group))
      },
    })
  }
  new Counter({
    ...{ registers, name: 'streams_group_dropped_unread_total', labelNames: ['group'] },
    help: 'Entries that the lossy retention dropped before the group had acknowledged them',
    async collect() {
      const state = await look()
      this.reset()
      for (const { group, droppedUnread } of state?.groups ?? []) this.inc({ group }, droppedUnread)
    },
  })
  // With a label, because a metric without labels is never left out.
  new Gauge({
    ...{ registers, name: 'streams_stream_length', labelNames: ['stream'] },
    help: 'Entries in the stream',
    async collect() {
      const state = await look()
      this.reset()
      if (state) this.set(labels, state.length)
    },
  })
  const { policy, maxLength } = stream.retention
  // With the lossy policy a stream is as long as its cap most of the time, which is nothing to be told.
  if (policy === 'acknowledged' && maxLength > 0) {
    const help = 'Entries beyond which publishing is refused; left out if there is no cap'
    new Gauge({ ...{ registers, name: 'streams_stream_cap', labelNames: ['stream'], help } }).set(labels, maxLength)
  }
  return () => inspector.close()
}
