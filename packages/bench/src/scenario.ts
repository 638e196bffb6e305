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
  figures: readonly Figure[]
  /** The figure by which contestants are compared with the bare loop. Default: they are not. */
  comparedBy?: string
  /** Default: all contestants. */
  contestants?: (name: ContestantName, size: Size) => boolean
  /** How many times as many rounds as `--rounds` says. Where rounds are short, and differ much. Default: 1. */
  roundsFactor?: number
  measure(arena: Arena, size: Size): Promise<Sample>
}

/** `quick`: whether it still works. `normal`: as the documentation shows it. `full`: also what takes an hour. */
export type Size = 'quick' | 'normal' | 'full'
