import { redisOf } from '@redis-streams-processor/service-kit'
import { createProducer } from '@redis-streams-processor/streams-core'
import { runBurst } from './burst.ts'
import { progressBar } from './progress.ts'
import { withLedger } from './publish.ts'
import type { Service } from './serve.ts'
import { makeBurstWebhook, makeWebhook } from './simulator.ts'

/** Publishes so many simulated webhooks at once, without HTTP, and says how fast that went. */
export async function publishBurst(service: Service, events: number, signal: AbortSignal): Promise<void> {
  const { settings, stream, ledger, logger, operations, tracing } = service
  const producer = createProducer(stream, {
    redis: redisOf(settings),
    source: '/simulator',
    publishTimeoutMs: settings.PUBLISH_TIMEOUT_MS,
    dedupeMs: settings.DEDUPE_MS,
    durability: settings.DURABILITY,
    logger,
    ...(tracing && { tracing }),
    onReport: operations.newObserver(),
  })
  operations.watch(producer)
  const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  const { USERS: users, FAILING: failing } = settings
  try {
    await operations.open()
    await Promise.race([producer.ready(), stopped])
    const summary = await runBurst({
      events,
      duplicates: settings.DUPLICATES,
      make: (n) => (failing === undefined ? makeWebhook(n, users) : makeBurstWebhook(n, users, failing)),
      publish: (webhook) => {
        const { id, type, subject, data } = webhook
        return withLedger(ledger, webhook, () => producer.publish(type, data, { id, subject }))
      },
      onProgress: progressBar(process.stderr),
      signal,
    })
    logger.info(summary, 'burst published')
  } finally {
    await producer.close()
  }
}
