import { z } from 'zod'
import { createConsumer, createProducer, defineStream } from '../../src/index.ts'

// Publishes an event, handles it, says so, and ends.

const redis = process.env.REDIS_URL ?? ''
const stream = defineStream(process.env.STREAM ?? '', { noted: z.object({ text: z.string() }) })
const producer = createProducer(stream, { redis })
await producer.publish('noted', { text: 'x' })
await producer.close()
const stopping = new AbortController()
const consumer = createConsumer(stream, { redis, group: 'group_1', handlers: { noted: () => stopping.abort() } })
await consumer.run({ signal: stopping.signal })
const hasOpenTelemetry = await import('@opentelemetry/api').then(
  () => true,
  () => false,
)
console.log(JSON.stringify({ msg: 'handled', hasOpenTelemetry }))
