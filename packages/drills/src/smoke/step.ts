import type { Loss } from '../recovery.ts'
import type { Stack } from './stack.ts'

/** Something done to a running stack, with work open, and what must come of it. */
export interface Step {
  name: string
  /** @throws when what must come of it does not, or when it did not hit. */
  run(stack: Stack): Promise<Finding>
}

export interface Finding {
  /** For a person to read. */
  seen: string
  /** What consumers lost, to be judged by the ledger when all is over. */
  losses?: Loss[]
  /** The entries from here to there were first delivered while consumers left as they should; the first is not one. */
  handover?: { afterEntryId: string; untilEntryId: string }
}

export function must(isSo: boolean, what: string): asserts isSo {
  if (!isSo) throw new Error(what)
}
