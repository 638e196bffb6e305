import type { z } from 'zod'
import { InvalidOptionError } from '../base/errors.ts'
import { problemOfStreamName } from './names.ts'
import { parseOptions } from './parse-options.ts'
import { type ParsedRetention, type Retention, retentionSchema } from './retention.ts'

/** Event type → the zod schema of its `data`. */
export type Catalog = Record<string, z.ZodType>

/** What a stream carries, and for how long. Producer and consumers share one definition. */
export interface StreamDefinition<C extends Catalog = Catalog> {
  /** The Redis key of the stream. */
  readonly name: string
  readonly catalog: C
  readonly retention: ParsedRetention
}

export type EventType<C extends Catalog> = keyof C & string

/** What `publish` accepts for an event type: the schema's input. */
export type EventInput<C extends Catalog, T extends EventType<C>> = z.input<C[T]>

/**
 * A domain fact, shaped like a CloudEvent (CloudEvents 1.0.2, "Context Attributes").
 * `data` is what the schema makes of the stored JSON: the schema's output.
 */
export interface StreamEvent<T extends string = string, D = unknown> {
  /** Unique in its stream, whatever the `source`; publishing it again within `dedupeMs` appends nothing. */
  readonly id: string
  readonly type: T
  /** Where it happened: a URI reference such as `/webhooks/stripe`. */
  readonly source: string
  /** When it happened: RFC 3339. */
  readonly time: string
  readonly subject?: string
  /** W3C Trace Context, carried through untouched. */
  readonly traceparent?: string
  readonly tracestate?: string
  readonly data: D
}

/** The event of type `T` as its handler receives it. */
export type EventOf<C extends Catalog, T extends EventType<C>> = StreamEvent<T, z.output<C[T]>>

/**
 * Defines a stream: a name, the events on it, how long they stay.
 * @param name The Redis key; derived keys are `{name}:…`. A name may have a hash tag of its own, as `{orders}:eu`.
 * @param catalog Event type → zod schema of `data`. Schemas must be synchronous.
 * @param options.retention When entries may be trimmed; see `Retention`. Default: once every group has acknowledged
 * them.
 * @throws {InvalidOptionError} naming option, range and value.
 */
export function defineStream<const C extends Catalog>(
  name: string,
  catalog: C,
  options: { retention?: Retention } = {},
): StreamDefinition<C> {
  if (typeof name !== 'string' || name === '') {
    throw new InvalidOptionError(`defineStream: expected name to be a non-empty string, got ${JSON.stringify(name)}`)
  }
  const problem = problemOfStreamName(name)
  if (problem)
    throw new InvalidOptionError(`defineStream: expected name to have ${problem}, got ${JSON.stringify(name)}`)
  if (Object.keys(catalog).length === 0) {
    throw new InvalidOptionError(`defineStream: expected the catalog of ${name} to have at least one event type`)
  }
  const retention = parseOptions('defineStream: retention', retentionSchema, options.retention ?? {})
  return Object.freeze({ name, catalog, retention })
}
