import { z } from 'zod'
import { isEntryId } from '../base/entry-id.ts'
import { parseOptions } from '../define/parse-options.ts'
import { entryIdSchema } from '../define/start-point.ts'

/** What is searched for. */
export type Wanted = { eventId: string } | { entryId: string }

const findSchema = z.object({ id: z.string().min(1), idOf: z.enum(['event', 'entry']).optional() })

/** @param idOf What the id is. Default: an entry id if it looks like one. */
export function wantedOf(id: string, idOf: 'event' | 'entry' | undefined): Wanted {
  parseOptions('find', findSchema, { id, idOf })
  const isEntry = idOf === undefined ? isEntryId(id) : idOf === 'entry'
  return isEntry ? { entryId: parseOptions('find: id', entryIdSchema, id) } : { eventId: id }
}
