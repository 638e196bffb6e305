import { z } from 'zod'
import { producerLimits } from './limits.ts'
import { parseOptions, whole } from './parse-options.ts'

/** How a producer works. */
export interface ProducerSettings {
  /**
   * `source` of events that are published without one: a URI reference of 1 to 1,024 characters.
   * Default `/producer`.
   */
  source?: string
  /**
   * How long a publish may take before it rejects with `PublishTimeoutError`. A reply of Redis is late after 0.4 of it
   * (at least 500 ms, at most 5 s): then the publish is tried once more on a new connection, if `dedupeMs` is not 0.
   * Milliseconds, 10 to 86,400,000. Default 5,000.
   */
  publishTimeoutMs?: number
  /**
   * How long an event id is remembered at least: publishing it again within this time appends nothing. It is forgotten
   * after little more than twice this time. 0: not at all; otherwise at least `publishTimeoutMs`, because the producer
   * tries a publish again until its deadline.
   * Milliseconds, 0 to 2,592,000,000. Default 120,000.
   */
  dedupeMs?: number
  /**
   * Events that may wait for Redis: the publish of one more rejects with `PublishBufferFullError`.
   * 1 to 10,000,000. Default 10,000.
   */
  maxBuffered?: number
  /** Events that go to Redis in one script call. 1 to 5,000. Default 500. */
  maxBatch?: number
  /**
   * Largest size of an event as stored: a larger event is refused.
   * Bytes, 1,024 to 100,000,000. Default 1,048,576.
   */
  maxEventBytes?: number
  /**
   * `memory`: a publish resolves once Redis has the event in memory; what survives a crash of Redis is what its
   * persistence keeps. `fsync`: a publish resolves once Redis has the event on disk, which needs WAITAOF (Redis 7.2 or
   * newer, Valkey) and append-only persistence. Default `memory`.
   */
  durability?: 'memory' | 'fsync'
}

export const producerSchema = z
  .strictObject({
    source: z.string().min(1).max(1_024).default('/producer'),
    publishTimeoutMs: whole(producerLimits.publishTimeoutMs),
    dedupeMs: whole(producerLimits.dedupeMs),
    maxBuffered: whole(producerLimits.maxBuffered),
    maxBatch: whole(producerLimits.maxBatch),
    maxEventBytes: whole(producerLimits.maxEventBytes),
    durability: z.enum(['memory', 'fsync']).default('memory'),
  })
  .refine((o) => o.dedupeMs === 0 || o.dedupeMs >= o.publishTimeoutMs, {
    path: ['dedupeMs'],
    message: 'must be 0 or at least publishTimeoutMs',
  })

/** `ProducerSettings` with its defaults filled in. */
export type ParsedProducerSettings = z.output<typeof producerSchema>

/** @throws {InvalidOptionError} naming option, range and value. */
export const parseProducerSettings = (given: ProducerSettings): ParsedProducerSettings =>
  parseOptions('createProducer', producerSchema, given)
