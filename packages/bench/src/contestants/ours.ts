import { userEvents } from '@redis-streams-processor/events'
import { createConsumer, createProducer } from '@redis-streams-processor/streams-core'
import { type ConsumerOptions, type Contestant, type EndpointOptions, pieces } from '../contestant.ts'
import { type BenchEvent, TYPE } from '../event.ts'

/** Two pieces are on their way at a time. Thousands of open publishes cost garbage collection. */
const PIECE = 500

export const contestant: Contestant = {
  settings: `defaults; publish is called for each event, at most ${2 * PIECE} of them unanswered`,

  async openPublisher({ url, queue }) {
    const producer = createProducer(userEvents(queue), { redis: url })
    await producer.ready()
    return {
      async publish(events: readonly BenchEvent[]) {
        let before: Promise<unknown> = Promise.resolve()
        for (const piece of pieces(events, PIECE)) {
          const now = Promise.all(piece.map(({ id, data }) => producer.publish(TYPE, data, { id })))
          await before
          before = now
        }
        await before
      },
      close: () => producer.close(),
    }
  },

  async openConsumer({ url, queue, leaseMs, handle, acknowledged }: ConsumerOptions) {
    const ending = new AbortController()
    let started = () => {}
    const hasStarted = new Promise<void>((resolve) => {
      started = resolve
    })
    const run = ({ data }: { data: unknown }) => handle(data as Parameters<typeof handle>[0])
    const consumer = createConsumer(userEvents(queue), {
      redis: url,
      group: 'bench',
      ...(leaseMs === undefined ? {} : { leaseMs }),
      handlers: {
        'user.registered': run,
        [TYPE]: run,
        'subscription.renewed': run,
        'invoice.sent': run,
        'payment.failed': run,
        'user.deleted': run,
      },
      onReport(report) {
        if (report.kind === 'settled' && report.outcome.type === 'ack') acknowledged()
        else if (report.kind === 'started') started()
      },
    })
    const running = consumer.run({ signal: ending.signal })
    await Promise.race([hasStarted, running])
    return {
      async close() {
        ending.abort()
        await running
      },
    }
  },

  async openEndpoint(options: EndpointOptions) {
    const { openEndpoint } = await import('../endpoints/ours.ts')
    return openEndpoint(options)
  },
}
