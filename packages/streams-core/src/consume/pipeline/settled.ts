import { isMissingGroup } from '../../base/redis-errors.ts'

/** `not-taken`: Redis refused the write, or could not take it before the drain was over. */
export type Settled = 'written' | 'lease-lost' | 'not-taken'

/** Called once the outcome is written, or cannot be. */
export type OnSettled = (settled: Settled) => void

/** If the group is gone, so is the lease. Otherwise the entry is delivered again once its lease is over. */
export const settledByError = (error: unknown): Settled => (isMissingGroup(error) ? 'lease-lost' : 'not-taken')
