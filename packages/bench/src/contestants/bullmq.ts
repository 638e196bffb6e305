import { Queue, Worker } from 'bullmq'
import { type ConsumerOptions, type Contestant, pieces } from '../contestant.ts'
import { type BenchEvent, type Envelope, envelope, TYPE } from '../event.ts'

const BATCH = 500
const CONCURRENCY = 100

const connectionTo = (url: string) => ({
  host: '127.0.0.1',
  port: Number(new URL(url).port),
  maxRetriesPerRequest: null,
})

export const contestant: Contestant = {
  settings: `addBulk of ${BATCH}; a worker with concurrency ${CONCURRENCY}; removeOnComplete`,

  async openPublisher({ url, queue: name }) {
    const queue = new Queue<Envelope>(name, { connection: connectionTo(url) })
    await queue.waitUntilReady()
    return {
      async publish(events: readonly BenchEvent[]) {
        for (const piece of pieces(events, BATCH))
          await queue.addBulk(
            piece.map((event) => ({ name: TYPE, data: envelope(event), opts: { removeOnComplete: true } })),
          )
      },
      close: () => queue.close(),
    }
  },

  async openConsumer({ url, queue, leaseMs, handle, acknowledged }: ConsumerOptions) {
    const worker = new Worker<Envelope>(queue, async ({ data }) => handle(data.data), {
      connection: connectionTo(url),
      concurrency: CONCURRENCY,
      ...(leaseMs === undefined ? {} : { lockDuration: leaseMs, stalledInterval: leaseMs }),
    })
    worker.on('completed', acknowledged)
    worker.on('error', () => {})
    await worker.waitUntilReady()
    return { close: () => worker.close() }
  },
}
