import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  defineSource,
  maxEventBytesOf,
  newStandardSecret,
  type Source,
  standardScheme,
  type UserEvents,
} from '@redis-streams-processor/events'
import { type Ledger, redisOf, SettingsError, type TracingOption } from '@redis-streams-processor/service-kit'
import {
  createProducer,
  type Logger,
  type RedisRefusedError,
  type StreamDefinition,
} from '@redis-streams-processor/streams-core'
import type { Operations } from './operations.ts'
import { Sender } from './sender.ts'
import type { ProducerServiceSettings } from './settings.ts'
import { makeWebhook } from './simulator.ts'
import { REFUSAL_REASONS, STATUSES } from './webhooks/answers.ts'
import { Receiver } from './webhooks/receiver.ts'
import { keysOf, secretSetting } from './webhooks/secrets.ts'
import { ANSWER_MS, type ServerOptions, WebhookServer } from './webhooks/server.ts'
import { Tally } from './webhooks/tally.ts'

/** What is left of the time for an answer when Redis has not taken the event. */
const MARGIN_MS = 500

export interface Service {
  settings: ProducerServiceSettings
  stream: StreamDefinition<UserEvents>
  /** By name. Those that have a secret are served. */
  sources: Readonly<Record<string, Source>>
  ledger: Ledger
  logger: Logger
  operations: Operations
  /** Undefined: no spans are made. */
  tracing?: TracingOption | undefined
}

/** The simulator is a source of its own, whose secret only this process knows. */
const SIMULATOR = 'simulator'

/**
 * Serves the webhooks of every source that has a secret, and simulates a sender if that is wished, until the signal.
 * @throws {SettingsError} when the port is not free.
 * @throws {RedisRefusedError} when Redis refuses for good.
 */
export async function serve(service: Service, signal: AbortSignal): Promise<void> {
  const { settings, logger, operations } = service
  const ending = endOf(signal)
  const simulated = settings.SIMULATE === 'on' ? newStandardSecret() : undefined
  const served = servedSources(service, simulated)
  const names = served.map(({ name }) => name)
  const labels = { sources: names, statuses: STATUSES, reasons: REFUSAL_REASONS }
  const tally = new Tally(logger, operations.newWebhookMetrics(labels))
  const producer = newProducer(service, served)
  const toleranceMs = settings.WEBHOOK_TOLERANCE_MS
  const actors = { ...service, producer, tally, onRefused: ending.fail }
  const receivers = served.map((options) => new Receiver({ ...options, toleranceMs }, actors))
  producer.ready().catch(ending.fail)
  const server = new WebhookServer(serverOptions(settings), receivers, tally)
  for (const part of [producer, server]) operations.watch(part)
  let simulating: Promise<void> | undefined
  try {
    await operations.open()
    await server.start().catch((error) => {
      if (error.syscall !== 'listen' && error.syscall !== 'getaddrinfo') throw error
      throw new SettingsError(`HTTP_PORT, HTTP_HOST: expected an address that is free, got ${error.message}`)
    })
    logger.info({ url: server.url, sources: names }, 'webhooks are served')
    if (simulated !== undefined)
      simulating = simulate(service, { url: reachable(server.url), secret: simulated }, ending.signal)
    await ending.come()
  } finally {
    logger.info({ reason: 'draining' }, 'not ready')
    await server.stop()
    await simulating
    await producer.close()
    logger.info({}, 'webhooks are no longer served')
  }
}

/** The signal, or the first failure, whichever comes first. */
function endOf(signal: AbortSignal) {
  const ending = new AbortController()
  const stop = () => ending.abort()
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  return {
    signal: ending.signal,
    fail: (error: RedisRefusedError) => ending.abort(error),
    /** Resolves at the signal, rejects with the failure. */
    come: async () => {
      if (!ending.signal.aborted) await once(ending.signal, 'abort')
      if (!signal.aborted) throw ending.signal.reason
    },
  }
}

interface Served {
  name: string
  source: Source
  keys: readonly Buffer[]
}

function servedSources({ settings, sources, logger }: Service, simulated: string | undefined): Served[] {
  const served: Served[] = []
  for (const [name, source] of Object.entries(sources)) {
    const keys = keysOf(name, settings)
    if (keys.length > 0) served.push({ name, source, keys })
    else logger.info({ source: name, setting: secretSetting(name) }, 'not served: it has no secret')
  }
  if (simulated !== undefined) {
    const { toEvent } = sources.standard as Source
    // Ids of simulated webhooks need not be remembered for days.
    const dedupeMs = Math.max(settings.DEDUPE_MS, 60_000)
    const source = defineSource({ scheme: standardScheme, toEvent, dedupeMs })
    served.push({ name: SIMULATOR, source, keys: [standardScheme.keyOf(simulated)] })
  }
  return served
}

/** One for all sources: it remembers ids for as long as any of them needs, and takes events as large as any may make. */
function newProducer({ settings, stream, logger, operations, tracing }: Service, served: readonly Served[]) {
  const most = (of: (source: Source) => number) => Math.max(0, ...served.map(({ source }) => of(source)))
  const observe = operations.newObserver()
  return createProducer(stream, {
    redis: redisOf(settings),
    publishTimeoutMs: Math.min(settings.PUBLISH_TIMEOUT_MS, ANSWER_MS - MARGIN_MS),
    dedupeMs: most(({ dedupeMs }) => dedupeMs),
    maxEventBytes: maxEventBytesOf({ maxBodyBytes: most(({ maxBodyBytes }) => maxBodyBytes) }),
    durability: settings.DURABILITY,
    logger,
    ...(tracing && { tracing }),
    onReport: (report) => {
      // What is invalid, the receiver publishes once more, as it came: for its sender nothing has failed. What is invalid
      // even so, it refuses, and that is counted.
      if (report.kind !== 'publish' || report.result !== 'invalid') observe(report)
    },
  })
}

function serverOptions(settings: ProducerServiceSettings): ServerOptions {
  return {
    host: settings.HTTP_HOST,
    port: settings.HTTP_PORT,
    trustProxy: settings.TRUST_PROXY ?? false,
    rateLimit: settings.WEBHOOK_RATE_LIMIT,
    drainDelayMs: settings.HTTP_DRAIN_DELAY_MS,
  }
}

/** An address at which this process can reach itself. */
const reachable = (url: string) => url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')

/** Sends one webhook every INTERVAL_MS until the signal. */
async function simulate(
  { settings, logger }: Service,
  { url, secret }: { url: string; secret: string },
  signal: AbortSignal,
): Promise<void> {
  const sender = new Sender({ url: `${url}/webhooks/${SIMULATOR}`, secret, logger })
  for (let n = 0; !signal.aborted; n += 1) {
    await sender.send(makeWebhook(n, settings.USERS), signal)
    await sleep(settings.INTERVAL_MS, undefined, { signal }).catch(() => {})
  }
}
