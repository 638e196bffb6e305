import { createConsumer, defineStream, reject } from '@redis-streams-processor/streams-core'
import { z } from 'zod'

const orders = defineStream('orders', { 'order.paid': z.object({ orderId: z.string(), cents: z.int() }) })
const consumer = createConsumer(orders, {
  redis: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379',
  group: 'revenue',
  handlers: {
    'order.paid': async ({ data }, { commit }) => {
      if (data.cents <= 0) reject('nothing was paid')
      await commit([['INCRBY', '{orders}:revenue', data.cents]])
    },
  },
})
const stop = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort())
await consumer.run({ signal: stop.signal })
