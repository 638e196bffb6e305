export { runProducer } from './run-producer.ts'
export { type ProducerServiceSettings, settingsSchema } from './settings.ts'
