import type { Connection } from './connection.ts'
import { COUNT } from './scripts/inspect.ts'

/** Entries counted in one call, so that no call holds Redis up for long. */
const PAGE = 1_000

export interface Counting {
  /** Entries after this id are counted. */
  after: string
  /** The last id that counts. Default: the end of the stream. */
  upTo?: string
  /** When so many have been counted, no more are. Default: no limit. */
  atMost?: number
  /** Called after each page, with the entries on it. */
  onPage?: (entries: number) => void
}

/** Counts entries, page by page. Returns their number, and the id of the last one, or `after` where there is none. */
export async function countEntries(
  connection: Connection,
  stream: string,
  { after, upTo = '+', atMost = Number.POSITIVE_INFINITY, onPage }: Counting,
): Promise<{ count: number; lastId: string }> {
  let [count, lastId, mayHaveMore] = [0, after, true]
  while (mayHaveMore && count < atMost) {
    const args = { after: lastId, upTo, atMost: Math.min(PAGE, atMost - count) }
    const [size, last, more] = (await connection.run(COUNT, { stream }, args)) as [number, string, 0 | 1]
    count += size
    lastId = last
    mayHaveMore = more === 1
    onPage?.(size)
  }
  return { count, lastId }
}
