export interface PublishOptions {
  /** Identifies the event for deduplication and for its handlers: 1 to 256 characters. Default: a random UUID. */
  id?: string
  /** Where the event happened: a URI reference. Default: the producer's `source`. */
  source?: string
  /** When the event happened. Default: now. */
  time?: Date
  /** What the event is about, e.g. a user's id. Default: none. */
  subject?: string
  /** W3C Trace Context, carried through untouched. Default: none. */
  traceparent?: string
  /** W3C Trace Context, carried through untouched beside a `traceparent`. Default: none. */
  tracestate?: string
}
