import type { Takedown } from '../recovery.ts'
import type { Stack } from './stack.ts'

/** Something done to a running stack, with work open, and what must come of it. */
export interface Step {
  name: string
  /** @throws when the expected does not come, or when the step met no work. */
  run(stack: Stack): Promise<Finding>
}

export interface Finding {
  /** For a person to read. */
  seen: string
  /** What consumers held when they were taken out, to be judged by the ledger when all is over. */
  takedowns?: Takedown[]
  /** Entries after `afterEntryId`, up to `untilEntryId`, were first delivered while consumers were replaced. */
  handover?: { afterEntryId: string; untilEntryId: string }
}

export function must(isSo: boolean, what: string): asserts isSo {
  if (!isSo) throw new Error(what)
}
