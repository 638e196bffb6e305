import { commandRules, keyRules, type Program, rights } from '../../src/settings.ts'

/** What the streams of tests are called, as a pattern. */
const STREAMS = 'test_*'

/**
 * What tests need beyond the rights of a program, each with the keys that it is for: their handlers commit writes of
 * their own, and a stream `{x}` may have keys of an older version to rename.
 */
const FURTHER: Partial<Record<Program, readonly string[]>> = {
  consumer: [
    `(~{${STREAMS}}:counter ~{${STREAMS}}:counters ~{${STREAMS}}:text ~{${STREAMS}}:text:counter +incr +incrby +hincrby +ping)`,
    `(~{${STREAMS}}:late +set)`,
    `(~{${STREAMS}}:further +xadd)`,
    `(~${STREAMS} ~{${STREAMS} +renamenx)`,
  ],
}

/** Options of a Redis server: a user for each program, with its rights for the streams of tests, and any password. */
export const testUsers: readonly string[] = (Object.keys(rights) as Program[]).flatMap((program) => {
  const { needed, optional } = rights[program]
  const rulesFor = (stream: string) => [...keyRules(stream), ...commandRules(program, [...needed, ...optional], stream)]
  return [
    ...['--user', program, 'on', 'nopass', ...rulesFor(STREAMS), ...rulesFor(`{${STREAMS}}`)],
    ...(FURTHER[program] ?? []),
  ]
})
