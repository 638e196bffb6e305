import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { z } from 'zod'
import { circuitLimits, consumerLimits, idempotencyLimits, retryLimits } from './limits.ts'
import { consumerNameSchema, groupSchema } from './names.ts'
import { parseOptions, whole } from './parse-options.ts'
import { exponential, type RetryDelay } from './retry-delay.ts'

/** How a consumer works. */
export interface ConsumerSettings {
  /** The consumer group: 1 to 128 letters, digits, `_`, `-` or `.`. */
  group: string
  /**
   * Name of this consumer: 1 to 200 characters without `~` and white space. Two living processes must not share a name.
   * Default `<hostname>-<8 hex digits>`.
   */
  consumer?: string
  /** Handlers that run at the same time. 1 to 10,000. Default 16. */
  concurrency?: number
  /**
   * Entries that wait in the buffer for a handler slot, so that a free slot need not wait for Redis. As many again may be
   * held while Redis takes their acknowledgements.
   * 0 to 100,000. Default: what will start within 50 ms, going by how long handlers have lately taken, at most 1,000.
   */
  maxBuffered?: number
  /**
   * How long an entry stays with a consumer that gives no sign of life. A living consumer extends its leases. A reply of
   * Redis is late after 0.4 of it (at least 500 ms, at most 5 s): then a new connection is made.
   * Milliseconds, 500 to 43,200,000. Default 10,000.
   */
  leaseMs?: number
  /**
   * How long a read waits for new entries; at most a third of `leaseMs`.
   * Milliseconds, 10 to 60,000. Default 2,000.
   */
  blockMs?: number
  /**
   * How long a handler may take. Then its signal fires, and when the handler has not ended a second later, the delivery
   * has failed: its slot is free, and whatever the handler still returns is ignored. 0: no limit.
   * Milliseconds, 0 to 86,400,000. Default 0.
   */
  handlerTimeoutMs?: number
  /**
   * Time that the running handlers have to finish once the consumer is told to stop.
   * Milliseconds, 0 to 86,400,000. Default 30,000.
   */
  drainTimeoutMs?: number
  /**
   * When the same entry has been the group's oldest unhandled entry for this long, the consumer is not ready. Should be
   * more than the slowest handler takes. Milliseconds, 1,000 to 86,400,000. Default 60,000.
   */
  stalledAfterMs?: number
  /**
   * Largest size of an entry: a larger entry is dead-lettered as malformed.
   * Bytes, 1,024 to 100,000,000. Default 1,048,576.
   */
  maxEventBytes?: number
  /** When an event whose handler fails is delivered again. */
  retry?: RetrySettings
  /**
   * Keeps an idempotency record in Redis for each event id, so that a finished handler does not run again for a
   * redelivery or a second entry with the same id. Default: no records.
   */
  idempotency?: IdempotencySettings
  /**
   * Pauses the group by itself while too many of its handlers fail, so that an outage of what they depend on charges only
   * a probe now and then, and fills no dead letters. Default: never.
   */
  circuit?: CircuitSettings
}

export interface RetrySettings {
  /** Deliveries of an event before it goes to the dead letters. 1 to 1,000. Default 5. */
  maxDeliveries?: number
  /**
   * Delay after the failed delivery number n. Default `exponential()`: first 100 to 200 ms, doubling, at most 30 s.
   */
  delayMs?: RetryDelay
}

export interface IdempotencySettings {
  /**
   * How long a finished event is remembered.
   * Milliseconds, 1,000 to 31,536,000,000. Default 604,800,000 (7 days).
   */
  ttlMs?: number
}

/**
 * A handler fails when it throws, takes longer than `handlerTimeoutMs`, or calls `retryAfter`; not when it calls `skip` or
 * `reject`. Each consumer counts its own handlers. When one opens the circuit, all consumers of the group start nothing
 * but probes, until a probe does not fail, or an operator resumes the group.
 */
export interface CircuitSettings {
  /** The circuit opens when this share of the last `deliveries` failed. 0.01 to 1. Default 0.5. */
  failureShare?: number
  /** How many handlers are looked at: the last ones of this consumer. 1 to 10,000. Default 20. */
  deliveries?: number
  /** While the circuit is open, one delivery in the whole group is tried each time. Milliseconds, 100 to 86,400,000. Default 10,000. */
  probeEveryMs?: number
}

const { failureShare } = circuitLimits

const circuitSchema = z.strictObject({
  failureShare: z.number().min(failureShare.min).max(failureShare.max).default(failureShare.default),
  deliveries: whole(circuitLimits.deliveries),
  probeEveryMs: whole(circuitLimits.probeEveryMs),
})

const retrySchema = z.strictObject({
  maxDeliveries: whole(retryLimits.maxDeliveries),
  delayMs: z.custom<RetryDelay>((value) => typeof value === 'function', 'a function').default(() => exponential()),
})

const { maxBuffered } = consumerLimits

export const consumerSchema = z.strictObject({
  group: groupSchema,
  consumer: consumerNameSchema.default(() => `${hostname()}-${randomBytes(4).toString('hex')}`),
  concurrency: whole(consumerLimits.concurrency),
  maxBuffered: z.int().min(maxBuffered.min).max(maxBuffered.max).optional(),
  leaseMs: whole(consumerLimits.leaseMs),
  blockMs: whole(consumerLimits.blockMs),
  handlerTimeoutMs: whole(consumerLimits.handlerTimeoutMs),
  drainTimeoutMs: whole(consumerLimits.drainTimeoutMs),
  stalledAfterMs: whole(consumerLimits.stalledAfterMs),
  maxEventBytes: whole(consumerLimits.maxEventBytes),
  retry: retrySchema.prefault({}),
  idempotency: z.strictObject({ ttlMs: whole(idempotencyLimits.ttlMs) }).optional(),
  circuit: circuitSchema.optional(),
})

/** `ConsumerSettings` with its defaults filled in. */
export type ParsedConsumerSettings = z.output<typeof consumerSchema>

/** @throws {InvalidOptionError} naming option, range and value. */
export const parseConsumerSettings = (given: ConsumerSettings): ParsedConsumerSettings =>
  parseOptions('createConsumer', consumerSchema, given)
