import type { Published } from '@redis-streams-processor/streams-core'

/** Every status that a sender may be answered. */
export const STATUSES = [200, 202, 400, 401, 404, 405, 408, 413, 415, 429, 431, 500, 503] as const
export type Status = (typeof STATUSES)[number]

/** What a sender is told. */
export interface Answer {
  status: Status
  headers?: Readonly<Record<string, string>>
  body: Readonly<Record<string, unknown>>
}

const RETRY_AFTER_S = '5'

const refusal = (status: Status, error: string, headers?: Answer['headers']): Answer => ({
  ...{ status, body: { error } },
  ...(headers && { headers }),
})

// One answer for every reason: whoever guesses must not learn from it.
const unauthorized = refusal(401, 'the signature is missing or wrong')
const unavailable = refusal(503, 'try again later', { 'retry-after': RETRY_AFTER_S })

export const answers = {
  /** 202 for an event that was appended, 200 for one that had been appended before. */
  published: ({ id, entryId, duplicate }: Published): Answer => ({
    status: duplicate ? 200 : 202,
    body: { id, entryId, duplicate },
  }),
  noEvent: (what: string): Answer => ({ status: 200, body: { noEvent: what } }),
  /** Redis has not taken the event. */
  unavailable,
} as const

/** Why a request is refused before an event is made of it, and what its sender is told. */
export const refusals = {
  unsigned: unauthorized,
  stale: unauthorized,
  forged: unauthorized,
  'no-json': refusal(400, 'the body is no JSON in UTF-8'),
  'bad-request': refusal(400, 'bad request'),
  'unknown-source': refusal(404, 'there is no such source'),
  'wrong-method': refusal(405, 'only POST', { allow: 'POST' }),
  'too-slow': refusal(408, 'the request came too slowly'),
  'too-large': refusal(413, 'the body is too large'),
  'media-type': refusal(415, 'only application/json, not compressed'),
  'rate-limit': refusal(429, 'too many requests'),
  'head-too-large': refusal(431, 'the head of the request is too large'),
  overloaded: unavailable,
  broken: refusal(500, 'internal error'),
} as const
export type RefusalReason = keyof typeof refusals
export const REFUSAL_REASONS = Object.keys(refusals) as RefusalReason[]
