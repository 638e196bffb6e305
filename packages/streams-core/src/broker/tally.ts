// The fields of the hash in which a group keeps what is counted and known of it.

/** Deliveries that failed: what was retried or dead-lettered. */
export const FAILED_FIELD = 'failed'
/** The lease of the consumer that joined last, in milliseconds. */
export const LEASE_FIELD = 'leaseMs'
