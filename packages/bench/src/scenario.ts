import type { Arena } from './arena.ts'
import type { ContestantName } from './contestants/index.ts'

/** What one measurement of one contestant found: figure → value. Undefined: the contestant has no such figure. */
export type Sample = Readonly<Record<string, number | undefined>>

export interface Figure {
  /** Its key in a sample. */
  key: string
  title: string
  unit: string
  better: 'less' | 'more'
  decimals?: number
}

export interface Scenario {
  about: string
  /** The first one is what contestants are compared by. */
  figures: readonly Figure[]
  /** Default: all contestants. */
  contestants?: readonly ContestantName[]
  /** Default: whatever `--rounds` says. Where a single measurement is long, and says enough. */
  maxRounds?: number
  measure(arena: Arena, size: Size): Promise<Sample>
}

/** `quick`: whether it still works. `normal`: as the documentation shows it. `full`: also what takes an hour. */
export type Size = 'quick' | 'normal' | 'full'
