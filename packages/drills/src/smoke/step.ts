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
  kill?: Kill
}

export interface Kill {
  consumer: string
  at: number
  heldEntryIds: string[]
}

export function must(isSo: boolean, what: string): asserts isSo {
  if (!isSo) throw new Error(what)
}
