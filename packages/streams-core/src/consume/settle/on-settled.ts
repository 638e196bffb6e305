import { isMissingGroup } from '../../base/redis-errors.ts'

/**
 * `written`: Redis has the outcome, or there was nothing to write. `not-taken`: Redis refused the write, or could not take
 * it before the drain was over.
 */
export type Settled = 'written' | 'lease-lost' | 'not-taken'

/**
 * Called exactly once for each delivery that is to be settled: at once, before the call that it was passed to returns, if
 * there is nothing to write; otherwise later, when Redis has taken the write or it is certain that it will not. It never
 * throws: nobody would catch it.
 */
export type OnSettled = (settled: Settled) => void

/**
 * What a write that ended with this error has led to. If the group is gone, so is the lease. Otherwise a command beside
 * this one may have acknowledged the entry. If none has, it stays pending, and is delivered again once its lease is over.
 */
export const settledByError = (error: unknown): Settled => (isMissingGroup(error) ? 'lease-lost' : 'not-taken')
