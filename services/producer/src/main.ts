import { readSettings, runService } from '@redis-streams-processor/service-kit'
import { runProducer } from './run-producer.ts'
import { settingsSchema } from './settings.ts'

await runService((signal) => runProducer(readSettings(settingsSchema), signal))
