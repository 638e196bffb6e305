import type { IncomingHttpHeaders } from 'node:http'
import { type EventInput, InvalidOptionError } from '@redis-streams-processor/streams-core'
import type { UserEvents, UserEventType } from '../catalog.ts'
import type { Scheme } from './schemes.ts'

const DAY_MS = 86_400_000
const MIB = 1_048_576
/** The event that a body of this size can become is still within `maxEventBytes`. See `maxEventBytesOf`. */
const MAX_BODY_BYTES = 16_000_000

/** What a delivery says of its event, besides type and data. What is undefined, the receiver makes up. */
interface Attributes {
  /** Identifies the delivery among those of its source. Default: the SHA-256 of the body. */
  id?: string | undefined
  /** What the event is about, e.g. a user's id. Default: none. */
  subject?: string | undefined
  /** When it happened. Default: when it was received. */
  time?: Date | undefined
}

/** An event whose type this code names: the compiler compares type and data with the catalog. */
type KnownEvent = {
  [T in UserEventType]: Attributes & { type: T; data: EventInput<UserEvents, T> }
}[UserEventType]

/** An event whose type the sender names: only its schema, if the catalog has one, can say what it is. */
interface ForeignEvent extends Attributes {
  /** Default: `<source>.unknown`. */
  foreignType: string | undefined
  data: unknown
}

/** A delivery that holds no event, such as a test of the connection: it is answered 200, and not appended. */
interface NoEvent {
  noEvent: string
}

export type SourceEvent = KnownEvent | ForeignEvent | NoEvent

export interface SourceOptions {
  /** How the sender signs. */
  scheme: Scheme
  /**
   * Says what a delivery is, whose signature has been checked.
   * @param body What the JSON of the body holds: anything at all. When this function throws, the whole body is appended
   * as an event of the type `<source>.unknown`.
   */
  toEvent(headers: IncomingHttpHeaders, body: unknown): SourceEvent
  /**
   * How long the id of a delivery is remembered at least: for as long as the sender may repeat it. Stripe repeats for
   * three days, so long does GitHub let a delivery be sent again, and the schedule of Standard Webhooks ends after 75 h
   * 35 min.
   * Milliseconds, 60,000 to 2,592,000,000. Default 345,600,000 (four days).
   */
  dedupeMs?: number
  /**
   * The largest body: more is answered 413. Entries may hold what comes of it, see `maxEventBytesOf`.
   * Bytes, 1,024 to 16,000,000. Default 1,048,576.
   */
  maxBodyBytes?: number
}

/** Who sends webhooks, and how they become events. */
export type Source = Readonly<Required<SourceOptions>>

/**
 * Defines a source of webhooks.
 * @throws {InvalidOptionError} naming option, range and value.
 */
export function defineSource({ scheme, toEvent, ...given }: SourceOptions): Source {
  const { dedupeMs = 4 * DAY_MS, maxBodyBytes = MIB } = given
  refuseUnless('dedupeMs', dedupeMs, 60_000, 30 * DAY_MS)
  refuseUnless('maxBodyBytes', maxBodyBytes, 1_024, MAX_BODY_BYTES)
  return Object.freeze({ scheme, toEvent, dedupeMs, maxBodyBytes })
}

function refuseUnless(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max)
    throw new InvalidOptionError(
      `defineSource: expected ${name} to be a whole number from ${min} to ${max}, got ${value}`,
    )
}

/**
 * The largest event that a body of this size can become. JSON that is written again can be longer than it came: 1e20
 * becomes 21 digits. The rest is for id, type and subject.
 */
export const maxEventBytesOf = ({ maxBodyBytes }: Pick<Source, 'maxBodyBytes'>): number => 6 * maxBodyBytes + 65_536
