import { z } from 'zod'
import { batch, createConsumer, createProducer, defineStream, type EventOf } from '../../src/index.ts'

// Compiled by `npm run typecheck`; an error that does not occur is an error itself.

const orders = defineStream('orders', {
  'order.placed': z.object({ orderId: z.string(), placedAt: z.coerce.date() }),
  'order.cancelled': z.object({ orderId: z.string() }),
})
const redis = 'redis://127.0.0.1'
const placed = { orderId: 'o1', placedAt: '2026-01-01T00:00:00Z' }

export async function publishing() {
  const producer = createProducer(orders, { redis })
  await producer.publish('order.placed', placed)
  // @ts-expect-error unknown event type
  await producer.publish('order.shipped', placed)
  // @ts-expect-error payload of another type
  await producer.publish('order.cancelled', { id: 'o1' })
  // @ts-expect-error a field is missing
  await producer.publish('order.placed', { placedAt: '2026-01-01' })
}

export function consuming() {
  const cancelled = () => {}
  createConsumer(orders, {
    redis,
    group: 'g',
    handlers: {
      'order.placed': async ({ data, id }, { signal, attempt }) => {
        const output: Date = data.placedAt
        void [output, id satisfies string, signal satisfies AbortSignal, attempt satisfies number]
        // @ts-expect-error a handler gets the output of the schema
        data.placedAt satisfies string
      },
      'order.cancelled': cancelled,
    },
  })
  // @ts-expect-error a handler is missing
  createConsumer(orders, { redis, group: 'g', handlers: { 'order.cancelled': cancelled } })
  createConsumer(orders, {
    redis,
    group: 'g',
    // @ts-expect-error a handler too many
    handlers: { 'order.placed': cancelled, 'order.cancelled': cancelled, 'order.shipped': cancelled },
  })
  // @ts-expect-error the group is missing
  createConsumer(orders, { redis, handlers: { 'order.placed': cancelled, 'order.cancelled': cancelled } })
}

export function consumingInBatches() {
  const cancelled = batch({ handle() {} })
  createConsumer(orders, {
    redis,
    group: 'g',
    handlers: {
      'order.placed': batch({
        maxSize: 10,
        handle: async (events, { signal, fail, deliveries }) => {
          const outputs: Date[] = events.map(({ data }) => data.placedAt)
          void [outputs, signal satisfies AbortSignal, deliveries.map(({ attempt }) => attempt satisfies number)]
          // @ts-expect-error a handler gets the output of the schema
          for (const { data } of events) data.placedAt satisfies string
          // @ts-expect-error an event fails by its id
          for (const event of events) fail(event, new Error('broken'))
        },
      }),
      'order.cancelled': cancelled,
    },
  })
  // @ts-expect-error a handler is missing
  createConsumer(orders, { redis, group: 'g', handlers: { 'order.cancelled': cancelled } })
  const placed = batch<EventOf<(typeof orders)['catalog'], 'order.placed'>>({ handle() {} })
  createConsumer(orders, {
    redis,
    group: 'g',
    // @ts-expect-error a batch handler of another event type
    handlers: { 'order.placed': placed, 'order.cancelled': placed },
  })
  // @ts-expect-error an unknown option
  batch({ handle() {}, size: 10 })
  const handlers = { 'order.placed': placed, 'order.cancelled': { maxSize: 1, maxWaitMs: 0, handle() {} } }
  // @ts-expect-error a plain object is no batch handler
  createConsumer(orders, { redis: {}, group: 'billing', handlers })
  // What a handler returns is ignored.
  batch({ handle: async (events) => events.length })
}

export const event: EventOf<(typeof orders)['catalog'], 'order.cancelled'>['type'] = 'order.cancelled'
