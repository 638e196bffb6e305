import { maxEventBytes, userEvents } from '@redis-streams-processor/events'
import {
  createLogger,
  Ledger,
  readSettings,
  redisOf,
  retentionOf,
  runService,
} from '@redis-streams-processor/service-kit'
import { createConsumer, exponential } from '@redis-streams-processor/streams-core'
import { loadHandlers } from './load-handlers.ts'
import { settingsSchema } from './settings.ts'
import { startWatchdog } from './watchdog.ts'
import { withLedger, writeReport } from './with-ledger.ts'

await runService(async (signal) => {
  const settings = readSettings(settingsSchema)
  const ledger = new Ledger(settings.LEDGER_DIR, 'consumer')
  const handlers = await loadHandlers(settings.HANDLERS, settings.WORK_MS)
  const consumer = createConsumer(userEvents(settings.STREAM, retentionOf(settings)), {
    redis: redisOf(settings),
    group: settings.GROUP,
    ...(settings.CONSUMER === undefined ? {} : { consumer: settings.CONSUMER }),
    concurrency: settings.CONCURRENCY,
    maxBuffered: settings.MAX_BUFFERED,
    leaseMs: settings.LEASE_MS,
    blockMs: settings.BLOCK_MS,
    handlerTimeoutMs: settings.HANDLER_TIMEOUT_MS,
    drainTimeoutMs: settings.DRAIN_TIMEOUT_MS,
    stalledAfterMs: settings.STALLED_AFTER_MS,
    maxEventBytes,
    retry: {
      maxDeliveries: settings.MAX_DELIVERIES,
      delayMs: exponential({ baseMs: settings.RETRY_BASE_MS, maxMs: settings.RETRY_MAX_MS }),
    },
    ...(settings.IDEMPOTENCY_TTL_MS > 0 ? { idempotency: { ttlMs: settings.IDEMPOTENCY_TTL_MS } } : {}),
    handlers: settings.LEDGER_DIR === undefined ? handlers : withLedger(handlers, ledger),
    logger: createLogger('consumer', settings.LOG_LEVEL),
    onReport: (report) => writeReport(ledger, report),
  })
  const stopWatchdog = settings.BLOCKED_MS > 0 ? startWatchdog(settings.BLOCKED_MS) : undefined
  try {
    await consumer.run({ signal })
  } finally {
    await stopWatchdog?.()
    ledger.close()
  }
})
