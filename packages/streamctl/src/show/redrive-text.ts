import type { RedriveResult } from '@redis-streams-processor/streams-core'
import { some } from './words.ts'

export const redrivenText = (group: string, redriven: number, isPlan: boolean) =>
  `${some(redriven, 'letter')} of ${group} ${isPlan ? 'would be redriven' : 'redriven'}`

/** What a redrive has done, or would do, and why it has left letters where they are. */
export function redriveText(group: string, done: Omit<RedriveResult, 'to'>, isPlan: boolean): string {
  const { redriven, skipped, unreadable } = done
  if (redriven + skipped === 0) return `nothing to redrive: ${group} has no such dead letter`
  const before = skipped - unreadable
  const left = [
    ...(before > 0 ? [`${some(before, 'letter')} redriven before and dead again, which --again redrives, too`] : []),
    ...(unreadable > 0 ? [`${some(unreadable, 'letter')} that cannot be read, which dead purge deletes`] : []),
  ]
  const what = redriven === 0 ? `nothing to redrive in ${group}` : redrivenText(group, redriven, isPlan)
  return left.length === 0 ? what : `${what}; left where they are: ${left.join('; ')}`
}
