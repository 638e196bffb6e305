import { FindBroker } from '../broker/find.ts'
import { Keys } from '../broker/keys.ts'
import type { Fields } from '../define/entry.ts'
import { parseOptions } from '../define/parse-options.ts'
import type { RedisOptions } from '../define/redis-options.ts'
import { entryIdSchema } from '../define/start-point.ts'
import type { StreamDefinition } from '../define/stream.ts'
import { connect, type OperatorOptions, once } from './connect.ts'
import type { FindOptions, FoundEvent } from './found.ts'
import { Search } from './search.ts'
import { wantedOf } from './wanted.ts'

export interface Finder {
  /**
   * Says where an event is, and what each group has done with it. An entry is looked up directly. An event id is looked up
   * in the deduplication, and then searched for in the stream, newest first, down to the entry in which it was first
   * appended as far as the deduplication remembers, or else to the oldest one. Letters are searched newest first, too; and
   * for an entry that some group has done with, the stream down to it, for the entries as which it was redriven.
   * Redis looks at up to 500 entries a call: a million take some seconds, and hold nobody up.
   * @throws {RedisUnavailableError} when Redis does not answer in time.
   */
  find(id: string, options?: FindOptions): Promise<FoundEvent>
  /**
   * The fields of one entry, with the data of its event, flat: field, value … One command. Undefined: the stream does not
   * hold it.
   * @throws {InvalidOptionError} when this is no entry id.
   * @throws {RedisUnavailableError} when Redis does not answer in time.
   */
  fieldsOf(entryId: string): Promise<Fields | undefined>
  /** Idempotent. */
  close(): Promise<void>
}

/** For finding again and again: opens one connection, which heals itself. */
export function openFinder(stream: Pick<StreamDefinition, 'name'>, options: OperatorOptions): Finder {
  const { connection, ready, close } = connect(options, 'find')
  const broker = new FindBroker(connection, new Keys(stream.name))
  return {
    async find(id, given = {}) {
      const wanted = wantedOf(id, given.idOf)
      await ready()
      return new Search(broker, wanted, given).run()
    },
    async fieldsOf(given) {
      const entryId = parseOptions('fieldsOf: entryId', entryIdSchema, given)
      await ready()
      return broker.entry(entryId)
    },
    close,
  }
}

/** Finds one event; see `Finder`. */
export async function findEvent(
  stream: Pick<StreamDefinition, 'name'>,
  id: string,
  { redis, ...options }: FindOptions & { redis: RedisOptions },
): Promise<FoundEvent> {
  return once(openFinder(stream, { redis }), (finder) => finder.find(id, options))
}
