import { z } from 'zod'
import { isoTimeOf } from '../base/entry-id.ts'
import { NoSuchGroupError } from '../base/errors.ts'
import { isMissingGroup } from '../base/redis-errors.ts'
import { FindBroker } from '../broker/find.ts'
import { Keys } from '../broker/keys.ts'
import { pendingPages } from '../broker/pending.ts'
import { type Fields, fieldOf } from '../define/entry.ts'
import { groupSchema } from '../define/names.ts'
import { parseOptions } from '../define/parse-options.ts'
import type { StreamDefinition } from '../define/stream.ts'
import { connect, type OperatorOptions } from './connect.ts'
import { type EventState, stateOf } from './event-state.ts'

/** What a pending entry can be. */
export type PendingState = Extract<EventState, { type: 'held' | 'waiting-for-retry' | 'crash-suspect' | 'set-aside' }>

/** An entry that was delivered to a group, which has not acknowledged it. */
export interface PendingEvent {
  entryId: string
  /** When the entry was appended, by Redis' clock. RFC 3339. Undefined where the entry id names no time. */
  publishedAt: string | undefined
  eventId: string | undefined
  eventType: string | undefined
  subject: string | undefined
  state: PendingState
  /** The fields of the entry, flat: field, value … Undefined: the stream does not hold it any more. */
  fields: Fields | undefined
}

export interface PendingOptions extends OperatorOptions {
  group: string
  /** Only what Redis lists under this name: that of a consumer, or of a pseudo-consumer such as `~retry`. Default: all. */
  owner?: string
}

const PAGE = 100

const schema = z.object({ group: groupSchema, owner: z.string().min(1).optional() })
const isPending = (state: EventState | undefined): state is PendingState =>
  state !== undefined && ['held', 'waiting-for-retry', 'crash-suspect', 'set-aside'].includes(state.type)

/**
 * What a group has taken and not acknowledged, oldest first. What is acknowledged meanwhile is left out.
 * @throws {InvalidOptionError} naming option, range and value.
 * @throws {NoSuchGroupError} when the stream has no such group.
 */
export async function* listPending(
  stream: Pick<StreamDefinition, 'name'>,
  options: PendingOptions,
): AsyncGenerator<PendingEvent> {
  const { group, owner } = parseOptions('listPending', schema, options)
  const { connection, ready, close } = connect(options, 'pending')
  const keys = new Keys(stream.name)
  const finder = new FindBroker(connection, keys)
  try {
    await ready()
    for await (const entryIds of pendingPages(connection, keys.stream, { group, owner, size: PAGE })) {
      for (const entryId of entryIds) {
        const view = await finder.lookUp(entryId)
        const ofGroup = view.groups.find((one) => one.group === group)
        const state = ofGroup && stateOf(view, ofGroup)
        if (isPending(state)) yield toEvent(entryId, view.fields, state)
      }
    }
  } catch (error) {
    throw isMissingGroup(error) ? new NoSuchGroupError(stream.name, group) : error
  } finally {
    await close()
  }
}

function toEvent(entryId: string, fields: Fields | undefined, state: PendingState): PendingEvent {
  const of = (name: string) => fields && fieldOf(fields, name)
  const attributes = { eventId: of('id'), eventType: of('type'), subject: of('subject') }
  return { entryId, publishedAt: isoTimeOf(entryId), ...attributes, state, fields }
}
