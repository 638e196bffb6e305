import type { Published } from '@redis-streams-processor/streams-core'

/** What a sender is told. */
export interface Answer {
  status: number
  headers?: Readonly<Record<string, string>>
  body: Readonly<Record<string, unknown>>
}

const RETRY_AFTER_S = '5'

const refusal = (status: number, error: string, headers?: Answer['headers']): Answer => ({
  ...{ status, body: { error } },
  ...(headers && { headers }),
})

export const answers = {
  /** 202 for an event that was appended, 200 for one that had been appended before. */
  published: ({ id, entryId, duplicate }: Published): Answer => ({
    status: duplicate ? 200 : 202,
    body: { id, entryId, duplicate },
  }),
  noEvent: (what: string): Answer => ({ status: 200, body: { noEvent: what } }),
  unparsable: refusal(400, 'the body is no JSON in UTF-8'),
  badRequest: refusal(400, 'bad request'),
  // One answer for every reason: whoever guesses must not learn from it.
  unauthorized: refusal(401, 'the signature is missing or wrong'),
  unknownSource: refusal(404, 'there is no such source'),
  methodNotAllowed: refusal(405, 'only POST', { allow: 'POST' }),
  tooLarge: refusal(413, 'the body is too large'),
  unsupportedMediaType: refusal(415, 'only application/json, not compressed'),
  tooManyRequests: refusal(429, 'too many requests'),
  broken: refusal(500, 'internal error'),
  unavailable: refusal(503, 'try again later', { 'retry-after': RETRY_AFTER_S }),
} as const
