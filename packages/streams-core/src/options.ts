import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { z } from 'zod'
import { RESERVED_GROUPS } from './broker/keys.ts'
import { InvalidOptionError } from './errors.ts'
import { exponential, type RetryDelay } from './retry.ts'

const DAY_MS = 86_400_000

const ms = (min: number, max: number) => z.int().min(min).max(max)
const count = (min: number, max: number) => z.int().min(min).max(max)

/** A consumer group's name. */
export const groupSchema = z
  .string()
  .regex(/^[\w.-]{1,128}$/, '1 to 128 letters, digits, "_", "-" or "."')
  .refine((group) => !RESERVED_GROUPS.includes(group), `not one of ${RESERVED_GROUPS.join(', ')}`)

/** The name of one consumer in its group. */
export const consumerNameSchema = z
  .string()
  .regex(/^[^~\s]{1,200}$/, '1 to 200 characters, neither "~" nor white space')

const acknowledged = z.strictObject({
  policy: z.literal('acknowledged').default('acknowledged'),
  /** Entries that the stream may hold; a publish beyond it rejects with `StreamFullError`. 0: no cap. Default 0. */
  maxLength: count(0, Number.MAX_SAFE_INTEGER).default(0),
  /** Newest entries kept although everybody has acknowledged them, for replay. Default 0. */
  keepAtLeast: count(0, Number.MAX_SAFE_INTEGER).default(0),
  /** Groups that must exist: nothing is trimmed before all of them do. Default none. */
  groups: z.array(groupSchema).default([]),
  /** A group that holds the stream back and has not moved for this long is named in a warning. Default 60 000 ms. */
  warnAfterMs: ms(1_000, DAY_MS).default(60_000),
})

const maxlen = z.strictObject({
  policy: z.literal('maxlen'),
  /** Entries that the stream keeps, about: the oldest are dropped, read or not. Default 10 000. */
  maxLength: count(1, Number.MAX_SAFE_INTEGER).default(10_000),
  /** As above. */
  warnAfterMs: ms(1_000, DAY_MS).default(60_000),
})

/**
 * When entries may go. `acknowledged` (the default) drops nothing that some group has not acknowledged;
 * `maxlen` is lossy: it bounds the stream whatever the groups still need, and counts what it dropped unread.
 */
export const retentionSchema = z
  .union([maxlen, acknowledged])
  .refine(
    (r) => r.policy === 'maxlen' || r.maxLength === 0 || r.keepAtLeast < r.maxLength,
    'keepAtLeast must be below maxLength',
  )
export type Retention = z.output<typeof retentionSchema>
export type RetentionInput = z.input<typeof retentionSchema>

const producerSchema = z
  .strictObject({
    /** `source` of events published without one: a URI reference. Default `/producer`. */
    source: z.string().min(1).max(1_024).default('/producer'),
    /** Time a publish may take before it rejects with `PublishTimeoutError`. Default 5 000 ms. */
    publishTimeoutMs: ms(10, DAY_MS).default(5_000),
    /** How long an event id is remembered: publishing it again within this appends nothing. 0: not at all. Default 120 000 ms. */
    dedupeMs: ms(0, 30 * DAY_MS).default(120_000),
    /** Events waiting for Redis; one more rejects with `PublishBufferFullError`. Default 10 000. */
    maxBuffered: count(1, 10_000_000).default(10_000),
    /** Events that go to Redis in one script call. Default 500. */
    maxBatch: count(1, 5_000).default(500),
    /** Size of an event as stored; a larger one is refused. Default 1 048 576 bytes. */
    maxEventBytes: count(1_024, 100_000_000).default(1_048_576),
    /**
     * `memory`: a publish resolves when Redis has it (persistence is what Redis is configured for).
     * `fsync`: it resolves when Redis has it on disk; needs WAITAOF (Redis 7.2, Valkey) and append-only persistence.
     * Default `memory`.
     */
    durability: z.enum(['memory', 'fsync']).default('memory'),
  })
  // A publish is tried again until its deadline: it must be remembered for as long.
  .refine((o) => o.dedupeMs === 0 || o.dedupeMs >= o.publishTimeoutMs, {
    path: ['dedupeMs'],
    message: 'must be 0 or at least publishTimeoutMs',
  })
export type ProducerSettings = z.output<typeof producerSchema>
export type ProducerSettingsInput = z.input<typeof producerSchema>

const retrySchema = z.strictObject({
  /** Deliveries of an event before it goes to the dead letters. Default 5. */
  maxDeliveries: count(1, 1_000).default(5),
  /** Delay after failed delivery n. Default `exponential()`: about 200 ms, doubling, at most 30 s, with jitter. */
  delayMs: z.custom<RetryDelay>((value) => typeof value === 'function', 'a function').default(() => exponential()),
})

const consumerSchema = z
  .strictObject({
    /** The consumer group. */
    group: groupSchema,
    /** Name of this consumer, unique per process incarnation. Default `<hostname>-<8 hex digits>`. */
    consumer: consumerNameSchema.default(() => `${hostname()}-${randomBytes(4).toString('hex')}`),
    /** Handlers that run at the same time. Default 16. */
    concurrency: count(1, 10_000).default(16),
    /** Entries held beyond those that run, so that a handler need not wait for Redis. Default: `concurrency`. */
    maxBuffered: count(0, 100_000).optional(),
    /** How long an entry stays ours without a sign of life. Extended while the process lives. Default 10 000 ms. */
    leaseMs: ms(500, DAY_MS / 2).default(10_000),
    /** How long a read waits for new entries. Default 2 000 ms. */
    blockMs: ms(10, 60_000).default(2_000),
    /** Time that the running handlers have once the consumer is told to stop. Default 30 000 ms. */
    drainTimeoutMs: ms(0, DAY_MS).default(30_000),
    /**
     * When the oldest unhandled entry has not moved for this long, the consumer is not ready. Should be more than the
     * slowest handler takes. Default 60 000 ms.
     */
    stalledAfterMs: ms(1_000, DAY_MS).default(60_000),
    /** As for the producer: a larger entry is dead-lettered. Default 1 048 576 bytes. */
    maxEventBytes: count(1_024, 100_000_000).default(1_048_576),
    retry: retrySchema.prefault({}),
    /**
     * Guards handlers by event id with a record in Redis, so that a finished handler does not run again
     * for a redelivery or a second entry with the same id. `ttlMs`: how long "done" is remembered, default 7 days.
     * Default: off.
     */
    idempotency: z.strictObject({ ttlMs: ms(1_000, 365 * DAY_MS).default(7 * DAY_MS) }).optional(),
  })
  .transform((o) => ({ ...o, maxBuffered: o.maxBuffered ?? o.concurrency }))
export type ConsumerSettings = z.output<typeof consumerSchema>
export type ConsumerSettingsInput = z.input<typeof consumerSchema>

export const parseProducerSettings = (input: ProducerSettingsInput): ProducerSettings =>
  parseOptions('createProducer', producerSchema, input)

export const parseConsumerSettings = (input: ConsumerSettingsInput): ConsumerSettings =>
  parseOptions('createConsumer', consumerSchema, input)

/** Parses once, at the edge. A bad value fails with option, range and value; it is never corrected. */
export function parseOptions<S extends z.ZodType>(where: string, schema: S, input: unknown): z.output<S> {
  const parsed = schema.safeParse(input)
  if (parsed.success) return Object.freeze(parsed.data) as z.output<S>
  const problems = flatten(parsed.error.issues).map((issue) => {
    const given = issue.path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown>)?.[key], input)
    return `${issue.path.join('.') || 'options'}: ${issue.message} (got ${show(given)})`
  })
  throw new InvalidOptionError(`${where}: ${problems.join('; ')}`)
}

// A union reports one nested list per member; the member that came closest says what is wrong.
function flatten(issues: z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  return issues.flatMap((issue) => {
    if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue]
    const closest = [...issue.errors].sort((a, b) => a.length - b.length)[0] ?? []
    return flatten(closest).map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }))
  })
}

function show(value: unknown): string {
  return typeof value === 'function' ? 'a function' : (JSON.stringify(value) ?? String(value))
}
