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
  /** To be judged by the ledger, when all is over. */
  loss?: Loss
  /** To be judged by the ledger as well. */
  handover?: Handover
}

/** A consumer that is gone since then, and what it held. */
export interface Loss {
  consumer: string
  at: number
  heldEntryIds: string[]
}

/** Consumers that left as they should, and the entries that were first delivered meanwhile. */
export interface Handover {
  leavers: Loss[]
  /** Not itself one of them. */
  afterEntryId: string
  untilEntryId: string
}

export function must(isSo: boolean, what: string): asserts isSo {
  if (!isSo) throw new Error(what)
}
