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
  jetstream: {
    title: 'NATS JetStream',
    server: 'nats',
    peer: '@nats-io/jetstream',
    load: () => import('./jetstream.ts'),
  },
  groupmq: { title: 'groupmq', server: 'redis', peer: 'groupmq', load: () => import('./groupmq.ts') },
  'bee-queue': { title: 'bee-queue', server: 'redis', peer: 'bee-queue', load: () => import('./bee-queue.ts') },
  'redis-smq': { title: 'redis-smq', server: 'redis', peer: 'redis-smq', load: () => import('./redis-smq.ts') },
  'pg-boss': { title: 'pg-boss', server: 'postgres', peer: 'pg-boss', load: () => import('./pg-boss.ts') },
  rabbitmq: { title: 'RabbitMQ', server: 'rabbitmq', peer: 'amqplib', load: () => import('./rabbitmq.ts') },
} satisfies Record<string, Entrant>

export type ContestantName = keyof typeof entrants

export const contestantNames = Object.keys(entrants) as ContestantName[]

export const entrantOf = (name: ContestantName): Entrant => entrants[name]
