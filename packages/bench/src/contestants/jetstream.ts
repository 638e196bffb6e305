import { AckPolicy, jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { type ConsumerOptions, type Contestant, pieces } from '../contestant.ts'
import { type BenchEvent, type Envelope, envelope } from '../event.ts'

const PIECE = 1_000
const PREFETCH = 500
const DURABLE = 'bench'

async function open(url: string, queue: string) {
  const connection = await connect({ servers: url })
  const manager = await jetstreamManager(connection)
  await manager.streams.add({ name: queue, subjects: [queue], storage: StorageType.Memory })
  return { connection, manager, stream: jetstream(connection) }
}

export const contestant: Contestant = {
  settings: `memory storage; publish: at most ${2 * PIECE} unanswered; one durable pull consumer, explicit ack (the server does not answer an ack), no limit of pending acks; consume with max_messages ${PREFETCH}`,

  async openPublisher({ url, queue }) {
    const { connection, stream } = await open(url, queue)
    return {
      async publish(events: readonly BenchEvent[]) {
        let before: Promise<unknown> = Promise.resolve()
        for (const piece of pieces(events, PIECE)) {
          const now = Promise.all(piece.map((event) => stream.publish(queue, JSON.stringify(envelope(event)))))
          await before
          before = now
        }
        await before
      },
      close: () => connection.close(),
    }
  },

  async openConsumer({ url, queue, leaseMs, handle, acknowledged }: ConsumerOptions) {
    const { connection, manager, stream } = await open(url, queue)
    await manager.consumers.add(queue, {
      durable_name: DURABLE,
      ack_policy: AckPolicy.Explicit,
      max_ack_pending: -1,
      ...(leaseMs === undefined ? {} : { ack_wait: leaseMs * 1_000_000 }),
    })
    const consumer = await stream.consumers.get(queue, DURABLE)
    const messages = await consumer.consume({ max_messages: PREFETCH })
    const loop = async () => {
      for await (const message of messages) {
        await handle(message.json<Envelope>().data)
        message.ack()
        acknowledged()
      }
    }
    const looping = loop()
    return {
      async close() {
        await messages.close()
        await looping
        await connection.drain()
      },
    }
  },
}
