import { letterReasons } from '@redis-streams-processor/streams-core/settings'
import { z } from 'zod'

// What each command gives with --json. docs/streamctl.md is made of these schemas, and the tests hold the output against
// them. Times are RFC 3339 in UTC, by Redis' clock; durations are milliseconds. What is not known is left out.

const text = z.string()
const whole = z.int()
const time = z.iso.datetime()
const fields = z.array(text).readonly()
const history = z.array(z.strictObject({ attempt: whole, at: text, consumer: text, error: text }))
const pause = { since: time, reason: text.optional() }

/** One line of a tail. `fields` only with --payload. */
const entry = z.strictObject({
  entryId: text,
  publishedAt: time.optional(),
  eventId: text.optional(),
  eventType: text.optional(),
  subject: text.optional(),
  redrivenFor: text.optional(),
  fields: fields.optional(),
})

const letter = z.strictObject({
  letterId: text,
  entryId: text,
  group: text,
  consumer: text,
  reason: z.enum(letterReasons),
  error: text,
  deliveries: whole,
  redrives: whole,
  publishedAt: time.optional(),
  diedAt: text.optional(),
  history,
  eventId: text.optional(),
  eventType: text.optional(),
  fields: fields.optional(),
})

const pendingState = [
  z.strictObject({
    type: z.literal('held'),
    consumer: text,
    role: z.enum(['own', 'alone', 'crashed', 'left']),
    owner: text,
    attempt: whole,
    leaseExtendedAt: time,
    isLeaseOver: z.boolean(),
    runningSince: time.optional(),
    history,
  }),
  z.strictObject({ type: z.literal('waiting-for-retry'), deliveries: whole, dueAt: time.optional(), history }),
  z.strictObject({
    type: z.literal('crash-suspect'),
    deliveries: whole,
    consumer: text.optional(),
    isLeaseOver: z.boolean(),
    history,
  }),
  z.strictObject({ type: z.literal('set-aside'), owner: text, deliveries: whole, history }),
] as const

const state = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('undelivered') }),
  ...pendingState,
  z.strictObject({ type: z.literal('dead'), letter }),
  z.strictObject({ type: z.literal('redriven'), redrivenAs: text }),
  z.strictObject({ type: z.literal('not-ours'), redrivenFor: text }),
  z.strictObject({ type: z.literal('acknowledged'), letter: letter.optional() }),
  z.strictObject({ type: z.literal('unknown'), why: z.enum(['trimmed', 'gone', 'not-appended']) }),
])

/** Why a group does not go on with an entry. */
const hindrance = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('holder-silent'), consumer: text, silentMs: whole, leaseLeftMs: whole }),
  z.strictObject({ type: z.literal('paused'), by: z.enum(['operator', 'circuit']), ...pause }),
  z.strictObject({ type: z.literal('type-paused'), eventType: text, ...pause }),
  z.strictObject({ type: z.literal('no-consumer'), silentMs: whole.optional() }),
])

const warning = z.strictObject({ setting: text, value: text, risk: text, remedy: text })

const group = z.strictObject({
  group: text,
  state: z.enum([
    ...(['idle', 'working', 'paused', 'circuit-open', 'partly-paused'] as const),
    ...(['no-consumer', 'limited', 'retrying', 'slow'] as const),
  ]),
  why: text.optional(),
  urgency: z.literal([0, 1, 2]),
  lag: whole,
  isLagExact: z.boolean(),
  pending: whole,
  waitingForRetry: whole,
  oldestUnhandledMs: whole,
  deadLetters: whole,
  droppedUnread: whole,
  lastDeliveredId: text,
  paused: z.strictObject({ by: z.enum(['operator', 'circuit']), ...pause }).optional(),
  pausedTypes: z.array(z.strictObject({ eventType: text, setAside: whole, ...pause })),
  limitPerSecond: z.number().optional(),
  alive: whole,
  silentMs: whole.optional(),
  consumers: z.array(
    z.strictObject({
      name: text,
      consumer: text,
      role: z.enum(['own', 'alone', 'suspect', 'crashed', 'left', 'suspects']),
      state: z.enum(['working', 'idle', 'silent', 'gone', 'unknown']).optional(),
      pending: whole,
      idleMs: whole,
    }),
  ),
})

const start = z.strictObject({
  group: text,
  existed: z.boolean(),
  startsAfter: text,
  toHandle: whole,
  skipped: whole,
  dropped: whole,
  oldestEntryId: text.optional(),
  isStartTrimmed: z.boolean(),
  atWork: z.array(text),
  freeInMs: whole,
  dryRun: z.boolean(),
})

const heldBack = z.discriminatedUnion('by', [
  z.strictObject({ by: z.literal('group'), group: text, neededId: text, pending: whole }),
  z.strictObject({ by: z.literal('gone-group'), group: text, neededId: text }),
  z.strictObject({ by: z.literal('missing-groups'), groups: z.array(text) }),
  z.strictObject({ by: z.literal('no-group') }),
  z.strictObject({ by: z.enum(['keepAtLeast', 'keepForMs']) }),
])

const controls = z.strictObject({
  group: text,
  paused: z.strictObject({ by: z.enum(['operator', 'circuit']), ...pause }).optional(),
  pausedTypes: z.array(z.strictObject({ eventType: text, ...pause })),
  limitPerSecond: z.number().optional(),
})

export const data = {
  status: z.strictObject({
    redis: text,
    server: z.strictObject({ name: text.optional(), version: text.optional(), warnings: z.array(warning) }),
    length: whole,
    groups: z.array(group),
  }),
  tail: entry,
  find: z.strictObject({
    asOf: time,
    entries: z.array(
      z.strictObject({
        entryId: text,
        publishedAt: time.optional(),
        isInStream: z.boolean(),
        eventId: text.optional(),
        eventType: text.optional(),
        redrivenFor: text.optional(),
        fields: fields.optional(),
        groups: z.array(z.strictObject({ group: text, state, hindrances: z.array(hindrance) })),
      }),
    ),
    letters: z.array(letter),
    knownSince: time.optional(),
  }),
  pending: z.strictObject({
    events: z.array(
      z.strictObject({
        group: text,
        entryId: text,
        publishedAt: time.optional(),
        eventId: text.optional(),
        eventType: text.optional(),
        subject: text.optional(),
        state: z.discriminatedUnion('type', pendingState),
        fields: fields.optional(),
      }),
    ),
    hasMore: z.boolean(),
  }),
  'dead list': z.strictObject({ letters: z.array(letter), hasMore: z.boolean() }),
  'dead show': letter,
  'dead redrive': z.strictObject({
    group: text,
    redriven: whole,
    skipped: whole,
    unreadable: whole,
    dryRun: z.boolean(),
  }),
  'dead purge': z.strictObject({ group: text, purged: whole, dryRun: z.boolean() }),
  publish: z.strictObject({ eventId: text, entryId: text, duplicate: z.boolean(), checked: z.boolean() }),
  'group create': start,
  'group replay': start,
  'group pause': controls,
  'group resume': controls,
  'group limit': controls,
  'group delete': z.strictObject({
    group: text,
    existed: z.boolean(),
    lag: whole,
    isLagExact: z.boolean(),
    pending: whole,
    waitingForRetry: whole,
    deadLetters: whole,
    atWork: z.array(text),
    freeInMs: whole,
    dryRun: z.boolean(),
  }),
  'consumers prune': z.strictObject({
    group: text,
    pruned: z.array(z.strictObject({ name: text, idleMs: whole })),
    dryRun: z.boolean(),
  }),
  trim: z.strictObject({
    trimmed: whole,
    length: whole,
    heldBack: heldBack.optional(),
    dryRun: z.boolean(),
  }),
  doctor: z.strictObject({
    isWell: z.boolean(),
    findings: z.array(
      z.strictObject({
        check: z.enum([
          ...['settings', 'connection', 'version', 'persistence', 'disk', 'eviction', 'replicas', 'memory'],
          ...['rights', 'clock', 'keys'],
        ] as const),
        verdict: z.enum(['ok', 'warning', 'problem', 'unknown']),
        says: text,
        remedy: text.optional(),
      }),
    ),
  }),
} satisfies Record<string, z.ZodType>

/** What a group has done with an entry. */
export type ShownState = z.input<typeof state>

export type CommandName = keyof typeof data
export type DataOf<C extends CommandName> = z.input<(typeof data)[C]>

/** Each line of output with --json is one such object: of most commands one, of `tail` and `--watch` one after another. */
export const envelope = z.discriminatedUnion('ok', [
  z.strictObject({ command: text, stream: text.optional(), ok: z.literal(true), data: z.unknown() }),
  z.strictObject({
    command: text,
    stream: text.optional(),
    ok: z.literal(false),
    error: z.strictObject({ code: text, message: text, exitCode: whole }),
  }),
])
