import { promisify } from 'node:util'
import { Configuration, Consumer, EQueueDeliveryModel, EQueueType, Producer, ProducibleMessage, Queue } from 'redis-smq'
import { ERedisConfigClient } from 'redis-smq-common'
import type { ConsumerOptions, Contestant } from '../contestant.ts'
import { type BenchEvent, type Envelope, envelope } from '../event.ts'

/** Its producer sends one message a call. */
const UNANSWERED = 500

function configure(url: string): void {
  Configuration.getSetConfig({
    redis: { client: ERedisConfigClient.IOREDIS, options: { host: '127.0.0.1', port: Number(new URL(url).port) } },
    logger: { enabled: false },
    eventBus: { enabled: false },
  })
}

async function createQueue(name: string): Promise<void> {
  const queue = new Queue()
  const save = promisify(queue.save.bind(queue))
  await save(name, EQueueType.FIFO_QUEUE, EQueueDeliveryModel.POINT_TO_POINT).catch((error: Error) => {
    if (error.constructor.name !== 'QueueQueueExistsError') throw error
  })
}

export const contestant: Contestant = {
  settings: `a FIFO queue; produce for each event, ${UNANSWERED} unanswered; one message at a time, as it has no concurrency; no event bus, no log; counted when the handler has called back; a dead consumer is noticed after 10 s, which cannot be set`,

  async openPublisher({ url, queue }) {
    configure(url)
    await createQueue(queue)
    const producer = new Producer()
    await promisify(producer.run.bind(producer))()
    const produce = promisify(producer.produce.bind(producer))
    return {
      async publish(events: readonly BenchEvent[]) {
        const open = new Set<Promise<unknown>>()
        for (const event of events) {
          const message = new ProducibleMessage().setQueue(queue).setBody(envelope(event)).setRetryDelay(0)
          const producing: Promise<unknown> = produce(message).finally(() => open.delete(producing))
          open.add(producing)
          if (open.size >= UNANSWERED) await Promise.race(open)
        }
        await Promise.all(open)
      },
      close: () => promisify(producer.shutdown.bind(producer))(),
    }
  },

  async openConsumer({ url, queue, handle, acknowledged }: ConsumerOptions) {
    configure(url)
    await createQueue(queue)
    const consumer = new Consumer()
    await promisify(consumer.run.bind(consumer))()
    const consume = promisify(consumer.consume.bind(consumer))
    await consume(queue, async (message, callback) => {
      await handle((message.body as Envelope).data)
      callback()
      acknowledged()
    })
    return { close: () => promisify(consumer.shutdown.bind(consumer))() }
  },
}
