import { connect } from 'amqplib'
import { type ConsumerOptions, type Contestant, pieces } from '../contestant.ts'
import { type BenchEvent, type Envelope, envelope } from '../event.ts'

const PIECE = 1_000
const PREFETCH = 500

export const contestant: Contestant = {
  settings: `durable classic queue, transient messages; confirm channel, ${PIECE} unconfirmed; prefetch ${PREFETCH}, an ack each (the server does not answer it)`,

  async openPublisher({ url, queue }) {
    const connection = await connect(url)
    const channel = await connection.createConfirmChannel()
    await channel.assertQueue(queue)
    return {
      async publish(events: readonly BenchEvent[]) {
        for (const piece of pieces(events, PIECE)) {
          for (const event of piece) channel.sendToQueue(queue, Buffer.from(JSON.stringify(envelope(event))))
          await channel.waitForConfirms()
        }
      },
      close: () => connection.close(),
    }
  },

  async openConsumer({ url, queue, handle, acknowledged }: ConsumerOptions) {
    const connection = await connect(url)
    const channel = await connection.createChannel()
    await channel.assertQueue(queue)
    await channel.prefetch(PREFETCH)
    await channel.consume(queue, async (message) => {
      if (!message) return
      await handle((JSON.parse(message.content.toString()) as Envelope).data)
      channel.ack(message)
      acknowledged()
    })
    return { close: () => connection.close() }
  },
}
