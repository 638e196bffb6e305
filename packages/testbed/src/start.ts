import { endWithoutServer } from './find-server.ts'
import { opsPortAt } from './ops-port-at.ts'
import { startRedis } from './redis-server.ts'
import { type LogLine, Worker } from './worker.ts'

const CONSUMERS = 3
/** The fields of a log line that are shown, in this order. */
const SHOWN = [
  ...['eventType', 'type', 'subject', 'attempt', 'eventId', 'entryId', 'result', 'reason', 'delayMs', 'where', 'error'],
  ...['connection', 'group', 'entries', 'suspects', 'neededId', 'startId', 'newestId', 'pending', 'stalledMs', 'total'],
  ...['url', 'port', 'sources', 'source', 'status', 'times', 'ip'],
  ...['by', 'since', 'perSecond', 'failed', 'deliveries', 'verdict'],
  ...['unfinished', 'byMs', 'setting', 'value', 'risk', 'remedy'],
]

/**
 * `npm start`: a Redis, a producer, three consumers and the console, and their logs. At a Ctrl-C, or when nobody reads its
 * lines any more, it drains and leaves nothing behind. Without the console, the others go on.
 */
async function main(): Promise<void> {
  const stopping = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve())
    for (const output of [process.stdout, process.stderr]) output.on('error', () => resolve())
  })
  const redis = await startRedis()
  say('redis', `listening on ${hidePassword(redis.url)}`)
  const consumers = Array.from({ length: CONSUMERS }, (_, i) =>
    watch(`consumer-${i + 1}`, 'consumer', redis.url, i + 1),
  )
  const producer = watch('producer', 'producer', redis.url, 0)
  const page = watch('console', 'console', redis.url, CONSUMERS + 1)
  const workers = [producer, ...consumers]
  try {
    const ended = Promise.race(workers.map(async (worker) => `a process ended: ${await worker.exited()}`))
    const why = await Promise.race([ended, stopping])
    if (why) {
      say('start', why)
      process.exitCode = 1
    } else {
      say('start', 'draining: what runs is finished, what waits is released')
    }
    await Promise.all([producer.stop(), page.stop()])
    await Promise.all(consumers.map((consumer) => consumer.stop()))
  } finally {
    await redis.stop()
  }
  say('start', 'everything has stopped')
}

function watch(name: string, service: 'producer' | 'consumer' | 'console', url: string, place: number): Worker {
  // So that what the log calls a consumer can be found in Redis, on the page and with streamctl.
  const named = service === 'consumer' ? { CONSUMER: `${name}-${process.pid}` } : {}
  const settings = { REDIS_URL: url, OPS_PORT: opsPortAt(place, process.env.OPS_PORT), ...named }
  const worker = new Worker(service, { ...process.env, ...settings } as Record<string, string>, { cwd: process.cwd() })
  worker.onLine((line) => say(name, describe(line)))
  return worker
}

function describe({ msg = '', ...line }: LogLine): string {
  const fields = SHOWN.filter((name) => line[name] !== undefined).map((name) => `${name}=${line[name]}`)
  return [msg, ...fields].join('  ')
}

function say(name: string, text: string): void {
  console.log(`${new Date().toISOString().slice(11, 23)}  ${name.padEnd(10)}  ${text}`)
}

function hidePassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//…@')
}

await main().catch(endWithoutServer)
