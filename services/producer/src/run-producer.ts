import { sources, userEvents } from '@redis-streams-processor/events'
import { createLogger, Ledger, retentionOf, tracingOf } from '@redis-streams-processor/service-kit'
import { Operations } from './operations.ts'
import { publishBurst } from './publish-burst.ts'
import { serve } from './serve.ts'
import type { ProducerServiceSettings } from './settings.ts'

/**
 * The producer service, until the signal.
 * @throws as `serve`.
 */
export async function runProducer(settings: ProducerServiceSettings, signal: AbortSignal): Promise<void> {
  const logger = createLogger('producer', settings.LOG_LEVEL)
  const ledger = new Ledger(settings.LEDGER_DIR, 'producer')
  const stream = userEvents(settings.STREAM, retentionOf(settings))
  const operations = new Operations({ settings, stream, logger, signal })
  const service = { settings, stream, sources, ledger, logger, operations, tracing: tracingOf(logger) }
  try {
    await (settings.BURST === undefined ? serve(service, signal) : publishBurst(service, settings.BURST, signal))
  } finally {
    await operations.close()
    ledger.close()
  }
}
