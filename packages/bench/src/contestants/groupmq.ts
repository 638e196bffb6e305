import { Queue, Worker } from 'groupmq'
import { Redis } from 'ioredis'
import type { ConsumerOptions, Contestant } from '../contestant.ts'
import { type BenchEvent, type Envelope, envelope } from '../event.ts'

const CONCURRENCY = 100
const BATCH = { size: 500, maxWaitMs: 1 }

const connect = (url: string) => new Redis(url, { maxRetriesPerRequest: null })

export const contestant: Contestant = {
  settings: `autoBatch of ${BATCH.size}, ${BATCH.maxWaitMs} ms; a group for each of 5,000 users, as only one job of a group runs at a time; a worker with concurrency ${CONCURRENCY}`,

  async openPublisher({ url, queue: namespace }) {
    const redis = connect(url)
    const queue = new Queue<Envelope>({ redis, namespace, autoBatch: BATCH })
    return {
      async publish(events: readonly BenchEvent[]) {
        await Promise.all(events.map((event) => queue.add({ groupId: event.data.userId, data: envelope(event) })))
      },
      async close() {
        await queue.close()
        redis.disconnect()
      },
    }
  },

  async openConsumer({ url, queue: namespace, leaseMs, handle, acknowledged }: ConsumerOptions) {
    const redis = connect(url)
    const queue = new Queue<Envelope>({ redis, namespace, ...(leaseMs === undefined ? {} : { jobTimeoutMs: leaseMs }) })
    const worker = new Worker<Envelope>({
      queue,
      handler: async ({ data }) => handle(data.data),
      concurrency: CONCURRENCY,
      ...(leaseMs === undefined ? {} : { stalledInterval: leaseMs, stalledGracePeriod: 0 }),
    })
    worker.on('completed', acknowledged)
    worker.run()
    return {
      async close() {
        await worker.close()
        redis.disconnect()
      },
    }
  },
}
