import { consumerLimits } from '../define/limits.ts'
import { type HolderRole, holderOf, isWaitingName } from './pseudo-consumers.ts'
import { isSilent } from './tally.ts'

const USUAL_LEASE_MS = consumerLimits.leaseMs.default

/**
 * What a consumer is. `working`: it has given a sign of life within half of its lease, and holds entries. `idle`: so it has,
 * and holds none. `silent`: it has not. `gone`: nor within the longest lease of its group, so others may take what it holds;
 * or it is an earlier process of its name. `unknown`: it is not heard of and holds nothing, and Redis, before 7.2, does not
 * see the reads of those that are given nothing.
 */
export type ConsumerLife = 'working' | 'idle' | 'silent' | 'gone' | 'unknown'

/** A name in a group that owns pending entries, or could. */
export interface ConsumerState {
  /** As Redis knows it. */
  name: string
  /** The consumer behind the name. Empty for `suspects`. */
  consumer: string
  role: HolderRole
  /** Of the consumer, whatever name it was heard of under. Undefined for `suspects`. */
  state: ConsumerLife | undefined
  pending: number
  /** Milliseconds since it last asked Redis for anything. */
  idleMs: number
}

/** A name in a group, as scripts give it. The lease is 0 where its consumer has told none. */
export type RawConsumer = [name: string, pending: number, idleMs: number, leaseMs: number, seesReads: 0 | 1]

/** What is known of a consumer from all its names. */
interface Heard {
  silentMs: number
  pending: number
}

/** What scripts give of the names in a group, without those under which entries only wait. */
export function consumerStatesOf(raw: readonly RawConsumer[]): ConsumerState[] {
  const rows = raw
    .filter(([name]) => !isWaitingName(name))
    .map(([name, pending, idleMs, leaseMs, seesReads]) => ({
      state: { name, ...holderOf(name), pending, idleMs },
      ...{ leaseMs: leaseMs || USUAL_LEASE_MS, seesReads },
    }))
  const longestMs = Math.max(0, ...raw.map(([, , , leaseMs]) => leaseMs)) || USUAL_LEASE_MS
  const all = new Map<string, Heard>()
  for (const { state } of rows) {
    const { silentMs, pending } = all.get(state.consumer) ?? { silentMs: Number.POSITIVE_INFINITY, pending: 0 }
    if (state.role !== 'left')
      all.set(state.consumer, { silentMs: Math.min(silentMs, state.idleMs), pending: pending + state.pending })
  }
  const lifeOf = ({ state, leaseMs, seesReads }: (typeof rows)[number]): ConsumerLife | undefined => {
    if (state.role === 'suspects') return undefined
    const heard = all.get(state.consumer)
    if (state.role === 'left' || !heard) return 'gone'
    if (!isSilent(heard.silentMs, leaseMs)) return heard.pending > 0 ? 'working' : 'idle'
    if (heard.pending === 0 && seesReads === 0) return 'unknown'
    return heard.silentMs < longestMs ? 'silent' : 'gone'
  }
  return rows.map((row) => ({ ...row.state, state: lifeOf(row) }))
}
