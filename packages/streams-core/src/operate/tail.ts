import { z } from 'zod'
import { isoTimeOf } from '../base/entry-id.ts'
import type { RedisUnavailableError } from '../base/errors.ts'
import { backoffMs, neverAborted, sleep } from '../base/loop.ts'
import { isTemporary } from '../base/redis-errors.ts'
import { Keys } from '../broker/keys.ts'
import { TailBroker } from '../broker/tail.ts'
import { type Fields, fieldOf, redriveOf } from '../define/entry.ts'
import { parseOptions, whole } from '../define/parse-options.ts'
import type { StreamDefinition } from '../define/stream.ts'
import { connect, type OperatorOptions } from './connect.ts'

/** An entry as the stream holds it. What a foreign entry lacks is undefined. */
export interface TailEntry {
  entryId: string
  /** When the entry was appended, by Redis' clock. RFC 3339. Undefined where the entry id names no time. */
  publishedAt: string | undefined
  eventId: string | undefined
  eventType: string | undefined
  subject: string | undefined
  /** The one group that the entry is for, where the event was redriven. */
  redrivenFor: string | undefined
  /** The entry's own fields, flat: field, value, field, value … */
  fields: Fields
}

export interface TailOptions {
  /** How many of the newest entries to begin with. 0 to 10,000. Default 0. */
  last?: number
  /** Ends the tail. Default: never. */
  signal?: AbortSignal
  /** Is told once when Redis is away in the middle of the tail, and once, with nothing, when it is back. */
  onProblem?: (problem: Error | undefined) => void
}

const schema = z.object({ last: whole({ min: 0, max: 10_000, default: 0 }) })

/**
 * Entries as they are appended, oldest first, until the signal is aborted. No group is touched. What is trimmed before it
 * is read is not shown; the retention trims nothing that a group still needs.
 * @throws {InvalidOptionError} naming option, range and value.
 * @throws {RedisUnavailableError} when Redis cannot be reached at the beginning. Later it is waited for.
 * @throws {RedisRefusedError} when Redis refuses for good.
 */
export async function* tailStream(
  stream: Pick<StreamDefinition, 'name'>,
  options: OperatorOptions & TailOptions,
): AsyncGenerator<TailEntry> {
  const { signal = neverAborted, onProblem } = options
  const { last } = parseOptions('tailStream', schema, options)
  const { connection, ready, close } = connect(options, 'tail')
  const broker = new TailBroker(connection, new Keys(stream.name))
  const stop = () => void close()
  signal.addEventListener('abort', stop)
  try {
    if (signal.aborted) return
    await ready()
    const newest = await broker.newest(Math.max(1, last))
    let after = newest.at(-1)?.[0] ?? '0-0'
    if (last > 0) yield* newest.map(toEntry)
    for (let failures = 0; !signal.aborted; ) {
      try {
        await connection.ready(signal)
        const entries = await broker.after(after)
        if (failures > 0) onProblem?.(undefined)
        failures = 0
        after = entries.at(-1)?.[0] ?? after
        yield* entries.map(toEntry)
      } catch (error) {
        if (signal.aborted) return
        if (!isTemporary(error)) throw error
        if (failures === 0) onProblem?.(error as RedisUnavailableError)
        failures += 1
        await sleep(backoffMs(failures), signal)
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    signal.removeEventListener('abort', stop)
    await close()
  }
}

function toEntry([entryId, fields]: [string, Fields]): TailEntry {
  return {
    entryId,
    publishedAt: isoTimeOf(entryId),
    eventId: fieldOf(fields, 'id'),
    eventType: fieldOf(fields, 'type'),
    subject: fieldOf(fields, 'subject'),
    redrivenFor: redriveOf(fields)?.group,
    fields,
  }
}
