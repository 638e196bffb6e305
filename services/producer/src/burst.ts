import { setTimeout as sleep } from 'node:timers/promises'
import { PublishBufferFullError, RedisRefusedError, StreamFullError } from '@redis-streams-processor/streams-core'
import type { Webhook } from './simulator.ts'

export interface BurstSummary {
  published: number
  duplicates: number
  rejected: number
  eventsPerSecond: number
}

export interface BurstOptions {
  events: number
  /** How many events are published twice, as a sender sends a webhook again when the answer comes late. */
  duplicates: number
  make: (n: number) => Webhook
  publish: (webhook: Webhook) => Promise<{ duplicate: boolean }>
  onProgress: (done: number, total: number) => void
  signal: AbortSignal
}

/** How many publishes wait for Redis at the same time. */
const IN_FLIGHT = 5_000

/** Publishes `events` webhooks as fast as Redis takes them. An event that cannot be published counts as rejected. */
export async function runBurst(options: BurstOptions): Promise<BurstSummary> {
  const { events, duplicates, make, publish, onProgress, signal } = options
  const summary = { published: 0, duplicates: 0, rejected: 0 }
  const startedAt = performance.now()
  const total = events + duplicates
  let next = 0
  let done = 0

  const publishRest = async (): Promise<void> => {
    while (next < events && !signal.aborted) {
      const n = next++
      const webhook = make(n)
      const copies = n < duplicates ? [webhook, webhook] : [webhook]
      for (const copy of copies) {
        await publishOnce(copy)
        done += 1
        onProgress(done, total)
      }
    }
  }
  const publishOnce = async (webhook: Webhook) => {
    try {
      const { duplicate } = await publish(webhook)
      summary[duplicate ? 'duplicates' : 'published'] += 1
    } catch (error) {
      if (error instanceof RedisRefusedError) throw error
      summary.rejected += 1
      // The stream or the buffer is full: publish more slowly.
      if (error instanceof StreamFullError || error instanceof PublishBufferFullError) await sleep(100)
    }
  }
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, events) }, publishRest))
  const seconds = (performance.now() - startedAt) / 1_000
  return { ...summary, eventsPerSecond: Math.round(done / seconds) }
}
