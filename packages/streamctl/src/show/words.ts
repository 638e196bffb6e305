import { span } from '@redis-streams-processor/streams-core/words'

export { count, moment, some, span } from '@redis-streams-processor/streams-core/words'

/** "4 min ago" of a time in RFC 3339. */
export const agoOf = (iso: string | undefined): string =>
  iso === undefined ? '?' : `${span(Math.max(0, Date.now() - Date.parse(iso)))} ago`
