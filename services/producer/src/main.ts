import { userEvents } from '@redis-streams-processor/events'
import { createLogger, Ledger, readSettings, retentionOf, runService } from '@redis-streams-processor/service-kit'
import { publishBurst } from './publish-burst.ts'
import { serve } from './serve.ts'
import { settingsSchema } from './settings.ts'

await runService(async (signal) => {
  const settings = readSettings(settingsSchema)
  const logger = createLogger('producer', settings.LOG_LEVEL)
  const ledger = new Ledger(settings.LEDGER_DIR, 'producer')
  const service = { settings, logger, ledger, stream: userEvents(settings.STREAM, retentionOf(settings)) }
  try {
    await (settings.BURST === undefined ? serve(service, signal) : publishBurst(service, settings.BURST, signal))
  } finally {
    ledger.close()
  }
})
