import type { DrillName } from './drills/index.ts'

/** One way in which the library is broken on purpose, and the drill that must notice. */
export interface Mutant {
  about: string
  drill: DrillName
  events: number
  /** What the drill must say of it: a machine that is busy makes a drill red as well, and proves nothing. */
  sign: RegExp
  /** Texts of files, each there exactly once, and what stands there instead. Paths begin at `CORE`. */
  edits: readonly (readonly [file: string, from: string, to: string])[]
}

/** Where the edited files are, from the root of the project. */
export const CORE = 'packages/streams-core/src'

export const mutants: Record<string, Mutant> = {
  'ack-before-handling': {
    about: 'the entry is acknowledged before its handler runs',
    drill: 'worker-kill',
    events: 2_000,
    sign: /lost/,
    edits: [
      [
        'consume/pipeline/pipeline.ts',
        'slots.take(delivery, source, (run) => this.#conclude(delivery, run))',
        `const run = () => slots.take(delivery, source, (result) => this.#conclude(delivery, result))
    this.#actors.settler.settle(delivery, { type: 'ack' }, run)`,
      ],
    ],
  },
  'no-lease-extension': {
    about: 'leases are not extended',
    drill: 'slow-handler',
    events: 60,
    sign: /charged an extra attempt/,
    edits: [['consume/upkeep/lease-keeper.ts', 'if (!held.some(isDue)) return 0', 'if (held.length >= 0) return 0']],
  },
  'only-two-extended': {
    about: 'of what a consumer holds, only the leases of the first two entries are extended',
    drill: 'slow-handler',
    events: 60,
    sign: /charged an extra attempt/,
    edits: [
      ['consume/upkeep/lease-keeper.ts', 'this.#holdings.all().filter(', 'this.#holdings.all().slice(0, 2).filter('],
    ],
  },
  'extension-unchecked': {
    about: 'leases are extended without a check of their owner',
    drill: 'worker-freeze',
    events: 600,
    sign: /taken from a consumer that was never frozen/,
    edits: [
      ['broker/scripts/leases.ts', 'local name = holds(id, ARGV[i + 1], ARGV[i + 2])', 'local name = ARGV[i + 1]'],
    ],
  },
  'group-at-dollar': {
    about: 'a group that is gone is created again at $',
    drill: 'group-destroyed',
    events: 1_000,
    sign: /lost/,
    edits: [['broker/scripts/membership.ts', "group, start, 'MKSTREAM'", "group, '$', 'MKSTREAM'"]],
  },
  'replay-among-the-living': {
    about: 'a group is set back while its consumers are at work',
    drill: 'replay',
    events: 500,
    sign: /set back while its consumers were at work/,
    edits: [['broker/scripts/groups.ts', 'if current then freeInMs, names = atWork() end', '']],
  },
  'replay-at-dollar': {
    about: 'a group that is set back goes on at $',
    drill: 'replay',
    events: 500,
    sign: /lost/,
    edits: [
      [
        'broker/scripts/groups.ts',
        "group, start, 'MKSTREAM', 'ENTRIESREAD', math.max(0, added - ahead)",
        "group, '$', 'MKSTREAM'",
      ],
    ],
  },
  'pause-unseen': {
    about: 'consumers start handlers although the group is paused',
    drill: 'controls',
    events: 600,
    sign: /started while the group was paused/,
    edits: [
      [
        'consume/controls/group-controls.ts',
        'return this.#isCircuitOpening || this.inForce.operator !== undefined || this.inForce.circuit !== undefined',
        'return false',
      ],
      [
        'consume/controls/gate.ts',
        "if (operator || (this.#controls.isPaused && delivery.kind !== 'probe')) return UNSTARTED",
        'if (operator === null) return UNSTARTED',
      ],
    ],
  },
  'limit-uncounted': {
    about: 'a handler starts without a grant of the limit',
    drill: 'controls',
    events: 600,
    sign: /handlers were started in one second/,
    edits: [
      [
        'consume/controls/gate.ts',
        'if (barred || this.#controls.inForce.limitPerSecond === undefined || first.hasStart) return barred',
        'if (barred || first.kind !== undefined) return barred',
      ],
    ],
  },
  'maxlen-while-lagging': {
    about: 'the stream is trimmed by MAXLEN while a group lags',
    drill: 'slow-group',
    events: 3_000,
    sign: /lost/,
    edits: [
      [
        'broker/scripts/trim.ts',
        "local trimmed = redis.call('XTRIM', stream, 'MINID', '~', needed, 'LIMIT', some)",
        "local trimmed = redis.call('XTRIM', stream, 'MAXLEN', '~', 500)",
      ],
    ],
  },
  'dead-letter-in-two-steps': {
    about: 'a dead letter is acknowledged first and written afterwards',
    drill: 'worker-kill',
    events: 2_000,
    sign: /lost/,
    edits: [
      [
        'consume/settle/settler.ts',
        'this.#persist(() => this.#broker.deadLetter(',
        [
          'this.#persist(async () => {',
          '  await this.#broker.ack([delivery])',
          '  await new Promise((resolve) => setTimeout(resolve, 50))',
          '}).then(() => this.#broker.deadLetter(',
        ].join('\n'),
      ],
      [
        'broker/scripts/settle.ts',
        'if not holds(entryId, owner, attempt) then return false end\nlocal before',
        'local before',
      ],
    ],
  },
  'commit-unconditional': {
    about: 'commit writes its effects without a check of the owner',
    drill: 'worker-freeze',
    events: 600,
    sign: /effectsDoubled/,
    edits: [['broker/scripts/settle.ts', 'if #lost > 1 then return lost end', '']],
  },
  'batch-acknowledges-failed': {
    about: 'what a batch handler lets fail is acknowledged with the rest of its batch',
    drill: 'batches',
    events: 1_000,
    sign: /lost/,
    edits: [
      ['consume/run/batch-runner.ts', 'const named = call.namedFor(member)', 'const named = undefined'],
      ['consume/run/batch-call.ts', 'filter((member) => !this.namedFor(member))', 'filter(() => true)'],
    ],
  },
  'batch-fails-whole': {
    about: 'when a batch handler throws, all events of the batch fail',
    drill: 'batches',
    events: 1_000,
    sign: /failures of events with a bad neighbour/,
    edits: [
      [
        'consume/run/batch-runner.ts',
        "result.result === 'returned' || part.length === 1",
        "result.result === 'returned' || part.length >= 1",
      ],
    ],
  },
  'suspects-in-company': {
    about: 'crash suspects run beside others, and an entry over maxDeliveries is dead-lettered',
    drill: 'poison',
    events: 500,
    sign: /wronglyDeadLettered/,
    edits: [
      [
        'broker/scripts/claim-parts.ts',
        'if isAlone(name) and name ~= alone and attempt >= maxDeliveries then',
        'if attempt >= maxDeliveries then',
      ],
      [
        'broker/scripts/claim-parts.ts',
        'if isAlone(name) or isSuspect(name) or attempt >= 2 or attempt >= maxDeliveries then',
        'if false then',
      ],
    ],
  },
  'no-hold-off': {
    about: 'after an outage every entry whose lease looks over is claimed at once',
    drill: 'redis-pause',
    events: 3_000,
    sign: /charged an extra attempt/,
    edits: [['consume/intake/hold-off.ts', 'now() < this.#until', 'now() < 0']],
  },
  'rest-between-claims': {
    about: 'a consumer rests after each claim, even if there is more to claim',
    drill: 'backlog',
    events: 3_000,
    sign: /only 0\.\d+ of the rate of unread events/,
    edits: [['consume/intake/claimer.ts', 'while (hasMore && !signal.aborted)', 'while (hasMore && signal.aborted)']],
  },
  'stall-unseen': {
    about: 'health does not look whether the oldest entry moves',
    drill: 'health',
    events: 500,
    sign: /every consumer says not ready: not within/,
    edits: [['consume/upkeep/health.ts', 'if (stalledMs > stalledAfterMs)', 'if (Number.isNaN(stalledMs))']],
  },
  'publish-without-dedupe': {
    about: 'an event id that was published before is appended again',
    drill: 'duplicate-publish',
    events: 500,
    sign: /effectsDoubled/,
    edits: [['broker/scripts/publish.ts', 'local first = recalled[id]', 'local first = false']],
  },
  'redrive-in-two-steps': {
    about: 'a redriven letter is appended first and deleted afterwards',
    drill: 'redrive-kill',
    events: 500,
    sign: /effectsDoubled/,
    edits: [
      ['broker/scripts/dead-letters.ts', "redis.call('XDEL', dead, letterId)\n", ''],
      [
        'broker/dead-letters.ts',
        'return (entryId as string | null)',
        [
          'await new Promise((resolve) => setTimeout(resolve, 20))',
          'await this.delete(letterId)',
          'return (entryId as string | null)',
        ].join('\n'),
      ],
    ],
  },
  'answer-before-append': {
    about: 'a webhook is answered 202 before Redis has its event',
    drill: 'ingest',
    events: 500,
    sign: /lost/,
    edits: [
      [
        '../../../services/producer/src/webhooks/receiver.ts',
        'const published = await withLedger(ledger, event, () => this.#append(event, delivery, text))',
        `withLedger(ledger, event, () => this.#append(event, delivery, text)).catch(() => {})
      const published = { id: eventId, entryId: '0-1', duplicate: false, misfit: undefined }`,
      ],
    ],
  },
  'webhooks-without-dedupe': {
    about: 'a webhook is appended again when its sender repeats it',
    drill: 'ingest',
    events: 500,
    sign: /entries of 500 webhooks/,
    edits: [['broker/scripts/publish.ts', 'local first = recalled[id]', 'local first = false']],
  },
}
