import type { Contestant, ServerKind } from '../contestant.ts'

interface Entrant {
  title: string
  server: ServerKind
  /** The package whose version is told. */
  peer?: string
  /** Loads its client, which may not be installed. */
  load: () => Promise<{ contestant: Contestant }>
}

/** All contestants, in the order of the tables. */
export const entrants = {
  ours: { title: 'this project', server: 'redis', load: () => import('./ours.ts') },
  bare: { title: 'bare loop', server: 'redis', peer: 'redis', load: () => import('./bare.ts') },
  tutorial: { title: "tutorial's loop", server: 'redis', peer: 'redis', load: () => import('./tutorial.ts') },
  bullmq: { title: 'BullMQ', server: 'redis', peer: 'bullmq', load: () => import('./bullmq.ts') },
} satisfies Record<string, Entrant>

export type ContestantName = keyof typeof entrants

export const contestantNames = Object.keys(entrants) as ContestantName[]

export const entrantOf = (name: ContestantName): Entrant => entrants[name]
