import type { Connection } from './connection.ts'

export interface PendingPages {
  group: string
  /** Only what this name owns. Default: all. */
  owner?: string | undefined
  /** The last id. Default: the end of the list. */
  upTo?: string
  /** Entries of one page, so that no call holds Redis up for long. */
  size: number
}

/** The ids in the pending list of a group, oldest first, page by page. */
export async function* pendingPages(
  connection: Connection,
  stream: string,
  { group, owner, upTo = '+', size }: PendingPages,
): AsyncGenerator<string[]> {
  for (let start = '-'; ; ) {
    const range = ['XPENDING', stream, group, start, upTo, size]
    const page = await connection.send<[entryId: string][]>(owner === undefined ? range : [...range, owner])
    const ids = page.map(([entryId]) => entryId)
    yield ids
    const last = ids.at(-1)
    if (last === undefined || ids.length < size || last === upTo) return
    start = `(${last}`
  }
}
