import { isMissingGroup, isRefusal, isTemporary } from '../../base/redis-errors.ts'
import type { RunResult } from '../../define/outcome.ts'
import type { Delivery } from '../delivery/delivery.ts'

/**
 * The result for an error of Redis that is not the fault of the events: the leases are lost, an outage lasts until the
 * handler's signal fires, or Redis refuses for good, which ends the consumer. Undefined for any other error.
 *
 * @param onRefusal Called when Redis refuses for good.
 */
export function resultOfRedisError(
  error: unknown,
  deliveries: readonly Delivery[],
  onRefusal: (error: unknown) => void,
): RunResult | undefined {
  // With the group its pending list is gone, and every lease with it.
  if (isMissingGroup(error)) for (const { lease } of deliveries) lease.lose()
  if (deliveries.every(({ lease }) => lease.isLost)) return { result: 'lease-lost' }
  if (isRefusal(error)) onRefusal(error)
  return isRefusal(error) || isTemporary(error) ? { result: 'unserved' } : undefined
}
