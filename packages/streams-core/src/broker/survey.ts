import { compareIds } from '../base/entry-id.ts'
import type { Connection } from './connection.ts'
import { countEntries } from './count.ts'
import { infosOf } from './infos.ts'
import { pendingPages } from './pending.ts'

/** Pending entries that one command counts. */
const PAGE = 1_000

interface Surveying {
  group: string
  /** The id after which the group is to read. */
  start: string
  /** The newest id that the stream has given. What comes later is not counted. */
  newestId: string
  /** Called after each page, with the entries on it. */
  onPage: (entries: number) => void
}

/** What is long to count before a group is put at a start. */
interface Survey {
  /** Of the group; empty and 0 where there is none. */
  deliveredTo: string
  pending: number
  /** Entries up to the start that the group has not acknowledged. */
  skipped: number
  /** The first entry after the start, or empty. */
  first: string
  /** Entries after the start; 0 where these are all that the stream holds: Redis knows its length. */
  counted: number
}

/** Counts page by page, so that no call holds Redis up for long. */
export async function survey(connection: Connection, stream: string, what: Surveying): Promise<Survey> {
  return { ...(await surveyGroup(connection, stream, what)), ...(await countAfter(connection, stream, what)) }
}

async function surveyGroup(connection: Connection, stream: string, { group, start, onPage }: Surveying) {
  const hasStream = (await connection.send(['EXISTS', stream])) !== 0
  const infos = hasStream ? await infosOf(connection, ['XINFO', 'GROUPS', stream]) : []
  const found = infos.find(({ name }) => name === group)
  if (!found) return { deliveredTo: '', pending: 0, skipped: 0 }
  const [deliveredTo, pending] = [String(found['last-delivered-id']), Number(found.pending)]
  let skipped = 0
  if (pending > 0) {
    for await (const page of pendingPages(connection, stream, { group, upTo: start, size: PAGE })) {
      skipped += page.length
      onPage(page.length)
    }
  }
  if (compareIds(deliveredTo, start) < 0) {
    skipped += (await countEntries(connection, stream, { after: deliveredTo, upTo: start, onPage })).count
  }
  return { deliveredTo, pending, skipped }
}

async function countAfter(connection: Connection, stream: string, { start, newestId, onPage }: Surveying) {
  const firstAfter = async (from: string) => {
    const page = await connection.send<[id: string][]>(['XRANGE', stream, from, '+', 'COUNT', 1])
    return page[0]?.[0] ?? ''
  }
  const first = await firstAfter(`(${start}`)
  if (first === '' || first === (await firstAfter('-'))) return { first, counted: 0 }
  return { first, counted: (await countEntries(connection, stream, { after: start, upTo: newestId, onPage })).count }
}
