import { setTimeout as sleep } from 'node:timers/promises'
import PgBoss from 'pg-boss'
import { type ConsumerOptions, type Contestant, pieces } from '../contestant.ts'
import { type BenchEvent, type Envelope, envelope } from '../event.ts'

const BATCH = 500
/** The shortest that its own workers may be set to. */
const POLL_MS = 500

async function open(url: string, queue: string, leaseMs?: number): Promise<PgBoss> {
  const seconds = leaseMs === undefined ? undefined : Math.ceil(leaseMs / 1_000)
  const boss = new PgBoss({
    connectionString: url,
    ...(seconds === undefined ? {} : { maintenanceIntervalSeconds: seconds }),
  })
  boss.on('error', () => {})
  await boss.start()
  await boss.createQueue(queue, {
    name: queue,
    ...(seconds === undefined ? {} : { expireInSeconds: seconds, retryLimit: 5 }),
  })
  return boss
}

export const contestant: Contestant = {
  settings: `insert of ${BATCH}; fetch of ${BATCH} and one complete for all of them, again at once, or after ${POLL_MS} ms when there was nothing; Postgres without fsync`,

  async openPublisher({ url, queue }) {
    const boss = await open(url, queue)
    return {
      async publish(events: readonly BenchEvent[]) {
        for (const piece of pieces(events, BATCH))
          await boss.insert(piece.map((event) => ({ name: queue, data: envelope(event) })))
      },
      close: () => boss.stop({ graceful: false }),
    }
  },

  async openConsumer({ url, queue, leaseMs, handle, acknowledged }: ConsumerOptions) {
    const boss = await open(url, queue, leaseMs)
    let isClosing = false
    const loop = async () => {
      while (!isClosing) {
        const jobs = (await boss.fetch<Envelope>(queue, { batchSize: BATCH })) ?? []
        if (jobs.length === 0) {
          await sleep(POLL_MS)
          continue
        }
        await Promise.all(jobs.map(({ data }) => handle(data.data)))
        await boss.complete(
          queue,
          jobs.map(({ id }) => id),
        )
        for (const _ of jobs) acknowledged()
      }
    }
    const looping = loop()
    return {
      async close() {
        isClosing = true
        await looping
        await boss.stop({ graceful: false })
      },
    }
  },
}
