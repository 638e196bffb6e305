import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer, Publisher } from './contestant.ts'
import { type ContestantName, entrantOf } from './contestants/index.ts'
import { type BenchEvent, type EventData, makeEvent, numberOf } from './event.ts'
import type { Calls, HandlerKind, Message, Progress, Request } from './protocol.ts'
import { now } from './protocol.ts'

// One worker process: it publishes or consumes by way of one contestant, as the bench tells it to.

/** Progress is told this long after it begins, so that telling costs next to nothing. */
const TELL_MS = 20

const [name, url] = process.argv.slice(2) as [ContestantName, string]
const { contestant } = await entrantOf(name).load()
const publishers = new Map<string, Publisher>()
let consumer: Consumer | undefined
let progress = nothing()
let latencies: number[] = []
let willTell = false

function nothing(): Progress {
  return { handled: 0, sum: 0, acknowledged: 0, firstHandledAt: 0, lastAcknowledgedAt: 0 }
}

const send = (message: Message) => process.send?.(message)

function handlerFor(kind: HandlerKind): (data: EventData) => void | Promise<void> {
  const count = (data: EventData) => {
    const n = numberOf(data)
    if (progress.handled === 0) progress.firstHandledAt = now()
    progress.handled += 1
    progress.sum += n
    if (kind === 'time') latencies.push(microseconds() - n)
  }
  if (kind !== 'hold') return count
  return (data) => {
    count(data)
    tellSoon()
    return new Promise(() => {})
  }
}

/** Since midnight: fits into a number even when many of them are added up. */
const microseconds = () => Math.round((now() % 86_400_000) * 1_000)

function acknowledged(): void {
  progress.acknowledged += 1
  progress.lastAcknowledgedAt = now()
  tellSoon()
}

function tellSoon(): void {
  if (willTell) return
  willTell = true
  setTimeout(() => {
    willTell = false
    send({ progress })
  }, TELL_MS)
}

async function publisherOf(queue: string): Promise<Publisher> {
  const publisher = publishers.get(queue) ?? (await contestant.openPublisher({ url, queue }))
  publishers.set(queue, publisher)
  return publisher
}

/** Each event in a publish of its own, at its time, whether or not the one before is answered. */
async function publishPaced(publisher: Publisher, count: number, perSecond: number): Promise<number> {
  const startedAt = performance.now()
  const publishing: Promise<void>[] = []
  let sum = 0
  while (publishing.length < count) {
    const due = Math.min(count, Math.floor(((performance.now() - startedAt) / 1_000) * perSecond))
    while (publishing.length < due) {
      const n = microseconds()
      sum += n
      publishing.push(publisher.publish([makeEvent(n)]))
    }
    await sleep(1)
  }
  await Promise.all(publishing)
  return sum
}

const calls: Calls = {
  async consume({ queue, kind, leaseMs }) {
    progress = nothing()
    latencies = []
    consumer = await contestant.openConsumer({ url, queue, leaseMs, handle: handlerFor(kind), acknowledged })
  },
  async publish({ queue, count, perSecond }) {
    const publisher = await publisherOf(queue)
    if (perSecond !== undefined) {
      const startedAt = now()
      const sum = await publishPaced(publisher, count, perSecond)
      return { startedAt, endedAt: now(), sum }
    }
    const events: BenchEvent[] = Array.from({ length: count }, (_, n) => makeEvent(n))
    const startedAt = now()
    await publisher.publish(events)
    return { startedAt, endedAt: now(), sum: (count * (count - 1)) / 2 }
  },
  async serve(args) {
    if (!contestant.openEndpoint) throw new Error(`${name} has no endpoint for webhooks`)
    return contestant.openEndpoint({ url, ...args })
  },
  async sendWebhooks(args) {
    // Not before it is needed: it must not count in the memory of other workers.
    const { sendWebhooks } = await import('./webhook-load.ts')
    return sendWebhooks(args)
  },
  async usage() {
    // What the CPU was used for, up to now.
    send({ progress })
    const { user, system } = process.cpuUsage()
    return { cpuUs: user + system, rssBytes: process.memoryUsage.rss() }
  },
  async latencies() {
    const taken = latencies
    latencies = []
    return taken
  },
  async stop() {
    await consumer?.close()
    consumer = undefined
    send({ progress })
  },
}

process.on('message', async ({ name, args }: Request) => {
  try {
    const call = calls[name] as (...args: unknown[]) => Promise<unknown>
    send({ answer: await call(...args) })
  } catch (error) {
    send({ error: (error as Error).stack ?? String(error) })
  }
})
// The bench is gone, or wants no more.
process.on('disconnect', () => process.exit())
send({ answer: contestant.settings })
