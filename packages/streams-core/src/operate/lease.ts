import { holderOf } from '../broker/pseudo-consumers.ts'
import { consumerLimits } from '../define/limits.ts'

/**
 * Whether the lease of a pending entry is over: nobody has extended it for a whole lease, so its consumer is dead or cut
 * off from Redis, and others may take the entry. That of what an earlier process of the same name has left is over at once.
 * False for what no consumer has.
 * @param held.owner The name under which Redis lists the entry, as in the state `held` or `Holder.name`.
 * @param held.idleMs Milliseconds since the entry was delivered, or its lease was last extended, by Redis' clock.
 * @param leaseMs The longest lease that consumers of the group have told, in milliseconds, as `WatchedGroup.leaseMs`.
 * Undefined: none has told its lease; then 10,000, the default of consumers.
 */
export function isLeaseOver(
  { owner, idleMs }: { owner: string; idleMs: number },
  leaseMs: number = consumerLimits.leaseMs.default,
): boolean {
  const { consumer, role } = holderOf(owner)
  return consumer !== '' && (role === 'left' || leaseLeftMs(idleMs, leaseMs) === 0)
}

/** Milliseconds until others may take a pending entry. The arguments are as in `isLeaseOver`. */
export const leaseLeftMs = (idleMs: number, leaseMs: number = consumerLimits.leaseMs.default): number =>
  Math.max(0, leaseMs - idleMs)
