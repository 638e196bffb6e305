import BeeQueue from 'bee-queue'
import { type ConsumerOptions, type Contestant, pieces } from '../contestant.ts'
import { type BenchEvent, type Envelope, envelope } from '../event.ts'

const BATCH = 500
const CONCURRENCY = 100
const STALL_MS = 5_000
/** What its documentation says to switch off where nobody needs it. */
const LEAN = { getEvents: false, sendEvents: false, storeJobs: false }

const connectionTo = (url: string) => ({ host: '127.0.0.1', port: Number(new URL(url).port) })

export const contestant: Contestant = {
  settings: `saveAll of ${BATCH}; process with concurrency ${CONCURRENCY}; no events, no stored jobs, removeOnSuccess; checkStalledJobs at the stall interval`,

  async openPublisher({ url, queue: name }) {
    const queue = new BeeQueue<Envelope>(name, { redis: connectionTo(url), isWorker: false, ...LEAN })
    await queue.ready()
    return {
      async publish(events: readonly BenchEvent[]) {
        for (const piece of pieces(events, BATCH)) {
          const failed = await queue.saveAll(piece.map((event) => queue.createJob(envelope(event))))
          for (const error of failed.values()) throw error
        }
      },
      close: () => queue.close(),
    }
  },

  async openConsumer({ url, queue: name, leaseMs = STALL_MS, handle, acknowledged }: ConsumerOptions) {
    const queue = new BeeQueue<Envelope>(name, {
      ...{ redis: connectionTo(url), stallInterval: leaseMs, removeOnSuccess: true },
      ...LEAN,
    })
    await queue.ready()
    queue.on('succeeded', acknowledged)
    queue.on('error', () => {})
    queue.process(CONCURRENCY, async ({ data }) => handle(data.data))
    queue.checkStalledJobs(leaseMs)
    return { close: () => queue.close() }
  },
}
