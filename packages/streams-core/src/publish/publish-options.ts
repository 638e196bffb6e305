export interface PublishOptions {
  /** Identifies the event for deduplication and for its handlers: 1 to 256 characters. Default: a random UUID. */
  id?: string | undefined
  /** Where the event happened: a URI reference. Default: the producer's `source`. */
  source?: string | undefined
  /** When the event happened. Default: now. */
  time?: Date | undefined
  /** What the event is about, e.g. a user's id. Default: none. */
  subject?: string | undefined
  /** W3C Trace Context, carried through untouched. Default: none. */
  traceparent?: string | undefined
  /** W3C Trace Context, carried through untouched beside a `traceparent`. Default: none. */
  tracestate?: string | undefined
}
