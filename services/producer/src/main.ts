import { setTimeout as sleep } from 'node:timers/promises'
import { userEvents } from '@redis-streams-processor/events'
import { createLogger, Ledger, readSettings, retentionOf, runService } from '@redis-streams-processor/service-kit'
import { createProducer, RedisRefusedError } from '@redis-streams-processor/streams-core'
import { runBurst } from './burst.ts'
import { Operations } from './operations.ts'
import { progressBar } from './progress.ts'
import { publishWebhook } from './publish.ts'
import { settingsSchema } from './settings.ts'
import { makeBurstWebhook, makeWebhook } from './simulator.ts'

await runService(async (signal) => {
  const settings = readSettings(settingsSchema)
  const logger = createLogger('producer', settings.LOG_LEVEL)
  const ledger = new Ledger(settings.LEDGER_DIR, 'producer')
  const stream = userEvents(settings.STREAM, retentionOf(settings))
  const operations = new Operations({ settings, stream, logger, signal })
  const producer = createProducer(stream, {
    redis: settings.REDIS_URL,
    source: '/simulator',
    publishTimeoutMs: settings.PUBLISH_TIMEOUT_MS,
    dedupeMs: settings.DEDUPE_MS,
    durability: settings.DURABILITY,
    logger,
    onReport: operations.newObserver(),
  })
  operations.watch(producer)
  const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  try {
    await operations.open()
    await Promise.race([producer.ready(), stopped])
    if (settings.BURST === undefined) {
      await trickle()
    } else {
      const summary = await runBurst({
        events: settings.BURST,
        duplicates: settings.DUPLICATES,
        make: (n) =>
          settings.FAILING === undefined
            ? makeWebhook(n, settings.USERS)
            : makeBurstWebhook(n, settings.USERS, settings.FAILING),
        publish: (webhook) => publishWebhook(producer, ledger, webhook),
        onProgress: progressBar(process.stderr),
        signal,
      })
      logger.info(summary, 'burst published')
    }
  } finally {
    await producer.close()
    await operations.close()
    ledger.close()
  }

  /** Publishes one webhook every INTERVAL_MS until the signal. A webhook that cannot be published is only logged. */
  async function trickle() {
    for (let n = 0; !signal.aborted; n += 1) {
      const webhook = makeWebhook(n, settings.USERS)
      const { id, type, subject } = webhook
      await publishWebhook(producer, ledger, webhook).then(
        ({ entryId }) => logger.info({ eventId: id, entryId, type, subject }, 'published'),
        (error) => {
          if (error instanceof RedisRefusedError) throw error
          logger.error({ eventId: id, type, subject, error: error.message }, 'not published')
        },
      )
      await sleep(settings.INTERVAL_MS, undefined, { signal }).catch(() => {})
    }
  }
})
