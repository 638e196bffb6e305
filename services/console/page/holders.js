import { duration, seconds } from './format.js'

// What the names of a group say of its consumers: rows for the page.

/** Where no consumer has told its lease yet: the default of the library. */
const USUAL_LEASE_MS = 10_000

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
      state: holder.state,
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
  const all = [...rows.values()].map((row) => ({ ...row, says: saysOf(row, leaseMs, group) }))
  return all.sort(
    (a, b) => (a.key === SUSPECTS) - (b.key === SUSPECTS) || a.key.localeCompare(b.key, 'en', { numeric: true }),
  )
}

/** What follows for what it holds, of a consumer that gives no sign of life. */
function saysOf({ key, role, state, pending, idleMs }, leaseMs, { alive, paused }) {
  if (key === SUSPECTS) return 'delivered before, and their consumer died: they will run alone'
  if (role === 'left') return 'held by an earlier process of this name'
  if (state !== 'silent' && state !== 'gone') return ''
  if (pending === 0) return `no sign of life for ${duration(idleMs)}`
  if (state === 'silent') return `no sign of life: its lease is over in ${seconds(Math.max(0, leaseMs - idleMs))}`
  if (paused) return 'its lease is over: others take what it holds once the group goes on'
  if (alive === 0) return 'its lease is over, and nobody is there to take what it holds'
  return 'its lease is over: others take what it holds'
}

/** How many consumers are alive, as the table of groups says it; and how many rows are in any other state. */
export function countsOf(rows, { alive }) {
  const others = ['silent', 'gone', 'unknown'].map((state) => ({
    ...{ state, number: rows.filter((row) => row.state === state).length },
  }))
  return [{ state: 'alive', number: alive }, ...others.filter(({ number }) => number > 0)]
}

/** How much of an entry's lease is left, from 1 down to 0. */
export const leftOf = ({ idleMs }, leaseMs) => Math.max(0, Math.min(1, 1 - idleMs / leaseMs))

/** A consumer that holds nothing has a row for so long, at least, after it was last heard of. Redis keeps its name. */
const LISTED_MS = 60_000

export const listedFor = (leaseMs) => Math.max(LISTED_MS, 3 * leaseMs)

/** Whether it has no row any more. */
export const isLongGone = ({ state, pending, idleMs }, leaseMs) =>
  pending === 0 && (state === 'gone' || state === 'unknown') && idleMs >= listedFor(leaseMs)
