// The fields of the hash in which a group keeps what is counted and told for those who look at it. No event depends on it.

/** Deliveries that failed: what was retried or dead-lettered. */
export const FAILED_FIELD = 'failed'
/** Followed by the name of a consumer: its lease in milliseconds, which it tells when it joins. */
export const LEASE_PREFIX = 'lease:'

/** Whether a consumer is dead or cut off from Redis: a living one gives a sign of life at least every third of its lease. */
export const isSilent = (silentMs: number, leaseMs: number): boolean => silentMs >= leaseMs / 2
