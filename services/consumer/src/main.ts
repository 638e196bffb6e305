import { catalog, maxEventBytes, userEvents } from '@redis-streams-processor/events'
import {
  createLogger,
  Ledger,
  newConsumerMetrics,
  newRegistry,
  readSettings,
  redisOf,
  retentionOf,
  runService,
  startOpsServer,
  tracingOf,
} from '@redis-streams-processor/service-kit'
import { createConsumer, exponential } from '@redis-streams-processor/streams-core'
import { loadHandlers } from './load-handlers.ts'
import { circuitOf, settingsSchema } from './settings.ts'
import { startWatchdog } from './watchdog.ts'
import { withLedger, writeReport } from './with-ledger.ts'

await runService(async (signal) => {
  const settings = readSettings(settingsSchema)
  const ledger = new Ledger(settings.LEDGER_DIR, 'consumer')
  const handlers = await loadHandlers(settings.HANDLERS, settings.WORK_MS)
  const logger = createLogger('consumer', settings.LOG_LEVEL)
  const tracing = tracingOf(logger)
  const registry = newRegistry()
  const count = newConsumerMetrics(registry, Object.keys(catalog))
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
    ...(settings.CIRCUIT_FAILURE_PERCENT > 0 ? { circuit: circuitOf(settings) } : {}),
    handlers: settings.LEDGER_DIR === undefined ? handlers : withLedger(handlers, ledger),
    logger,
    ...(tracing && { tracing }),
    onReport: (report) => {
      count(report)
      writeReport(ledger, report)
    },
  })
  const { OPS_PORT: port, OPS_HOST: host } = settings
  const ops = await startOpsServer({ port, host, registry, health: () => consumer.health(), logger })
  const stopWatchdog = settings.BLOCKED_MS > 0 ? startWatchdog(settings.BLOCKED_MS) : undefined
  try {
    await consumer.run({ signal })
  } finally {
    await stopWatchdog?.()
    await ops.close()
    ledger.close()
  }
})
