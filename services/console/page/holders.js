import { duration, seconds } from './format.js'

// What the names of a group say of its consumers: rows for the page.

/** Where no consumer has told its lease yet: the default of the library. */
const USUAL_LEASE_MS = 10_000
/** A living consumer extends its leases long before so much of them is over. */
const SILENT_FROM = 0.5

const SUSPECTS = '~suspect'

const NAMES_OF_ROLES = { alone: 'runs alone', suspect: 'waits to run alone', crashed: 'is about to be dead-lettered' }

export const leaseOf = ({ leaseMs }) => leaseMs ?? USUAL_LEASE_MS

/** The row in which the entries of a name stand. */
export const rowOf = ({ consumer, role }) =>
  role === 'suspects' ? SUSPECTS : role === 'left' ? `${consumer}~left` : consumer

/** What a row is called. */
export const titleOf = ({ consumer, role }) =>
  role === 'suspects' ? 'Crash suspects' : role === 'left' ? `${consumer} (earlier process)` : consumer

/** One row for each consumer, whatever the names under which it holds something; crash suspects last, if there are any. */
export function rowsOf(holders, leaseMs, group) {
  const rows = new Map()
  for (const holder of holders) {
    if (holder.role === 'suspects' && holder.pending === 0) continue
    const key = rowOf(holder)
    const row = rows.get(key) ?? {
      key,
      title: titleOf(holder),
      role: holder.role,
      pending: 0,
      idleMs: Infinity,
      entries: [],
    }
    row.pending += holder.pending
    // A consumer of which nothing but an extended lease is heard lives, too.
    row.idleMs = Math.min(row.idleMs, holder.idleMs, ...holder.entries.map(({ idleMs }) => idleMs))
    row.entries.push(...holder.entries.map((entry) => ({ ...entry, what: NAMES_OF_ROLES[holder.role] })))
    rows.set(key, row)
  }
  const all = [...rows.values()].map((row) => ({ ...row, ...stateOf(row, leaseMs, group) }))
  return all.sort(
    (a, b) => (a.key === SUSPECTS) - (b.key === SUSPECTS) || a.key.localeCompare(b.key, 'en', { numeric: true }),
  )
}

function stateOf({ key, role, pending, idleMs }, leaseMs, { alive, paused }) {
  if (key === SUSPECTS) return { says: 'delivered before, and their consumer died: they will run alone' }
  if (role === 'left') return { state: 'dead', says: 'held by an earlier process of this name' }
  if (idleMs < leaseMs * SILENT_FROM) return { state: 'alive', says: '' }
  const leftMs = leaseMs - idleMs
  if (pending === 0) return { state: 'gone', says: `no sign of life for ${duration(idleMs)}` }
  if (leftMs > 0) return { state: 'silent', says: `no sign of life: its lease is over in ${seconds(leftMs)}` }
  if (paused) return { state: 'dead', says: 'its lease is over: others take what it holds once the group goes on' }
  if (alive === 0) return { state: 'dead', says: 'its lease is over, and nobody is there to take what it holds' }
  return { state: 'dead', says: 'its lease is over: others take what it holds' }
}

/** How many consumers are alive, as the table of groups says it; and how many rows are in any other state. */
export function countsOf(rows, { alive }) {
  const others = ['silent', 'dead', 'gone'].map((state) => ({ state, rows: rows.filter((row) => row.state === state) }))
  return [
    { state: 'alive', number: alive },
    ...others.map(({ state, rows }) => ({ state, number: rows.length })),
  ].filter(({ state, number }) => number > 0 || state === 'alive')
}

/** How much of an entry's lease is left, from 1 down to 0. */
export const leftOf = ({ idleMs }, leaseMs) => Math.max(0, Math.min(1, 1 - idleMs / leaseMs))

/** A consumer that is gone, and holds nothing, has a row for so long at least. Redis keeps the name until it is pruned. */
const GONE_FOR_MS = 60_000

export const listedFor = (leaseMs) => Math.max(GONE_FOR_MS, 3 * leaseMs)

/** Whether it has no row any more. */
export const isLongGone = ({ state, idleMs }, leaseMs) => state === 'gone' && idleMs >= listedFor(leaseMs)
