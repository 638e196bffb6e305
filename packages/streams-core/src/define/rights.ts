import { keyPrefixOf } from './names.ts'

const words = (text: string): readonly string[] => text.split(' ')

export type Program = 'producer' | 'consumer' | 'operator'

interface Rights {
  /** Commands. Without any one of them, something fails. */
  needed: readonly string[]
  /** Commands. Without them nothing fails; docs/operations.md says what is missed. */
  optional: readonly string[]
  /** The ends of the keys that its writing commands are for, besides the stream. Default: every key of the stream. */
  writes?: readonly string[]
}

/**
 * What each program may do in Redis, as rules of Redis' ACL: the one list, from which docs/operations.md and
 * deploy/redis/users.acl are made.
 */
export const rights: Readonly<Record<Program, Rights>> = {
  producer: {
    needed: words(
      '+eval +evalsha +get +hdel +hgetall +hincrby +hmget +hset +pexpire +set +time +unlink +xack +xadd +xinfo|groups' +
        ' +xlen +xpending +xrange +xtrim +zrem',
    ),
    optional: words('+info +exists +hget +xinfo|consumers'),
    // Whoever takes a producer over, which the internet reaches, must not get at dead letters and what controls groups.
    writes: words(':dedupe :dedupe-0 :dedupe-1 :dropped :*:history :*:due'),
  },
  consumer: {
    needed: words(
      '+del +eval +evalsha +exists +get +hdel +hget +hgetall +hset +pexpire +set +time +xack +xadd +xclaim' +
        ' +xgroup|create +xgroup|delconsumer +xinfo|consumers +xinfo|groups +xinfo|stream +xlen +xpending +xrange +xreadgroup' +
        ' +xrevrange +xtrim +zadd +zcard +zrange +zrangebyscore +zrem +zremrangebyscore +zscore',
    ),
    optional: words('+info +client|unblock +hincrby'),
    // Everything of the groups, but not the event ids: what they hold is taken for published.
    writes: words(':marks :*:*'),
  },
  /** Who operates a stream, by the library, by the command line or by hand. */
  operator: {
    needed: words(
      '+eval +evalsha +exists +get +hdel +hget +hgetall +hincrby +hmget +hset +pexpire +set +time +unlink +xack +xadd' +
        ' +xdel +xgroup|create +xgroup|delconsumer +xgroup|destroy +xinfo|consumers +xinfo|groups +xinfo|stream +xlen' +
        ' +xpending +xrange +xread +xrevrange +xtrim +zrangebyscore +zrem +zscore',
    ),
    optional: words('+info +type +memory|usage +zrange'),
  },
}

/** Those of the commands above that change something. */
const WRITING = words(
  '+del +hdel +hincrby +hset +pexpire +set +unlink +xack +xadd +xclaim +xdel +xgroup|create +xgroup|delconsumer' +
    ' +xgroup|destroy +xreadgroup +xtrim +zadd +zrem +zremrangebyscore',
)

/** The keys that a program uses for a stream, as rules of Redis' ACL, in which `*` stands for any text. */
export function keyRules(stream: string): string[] {
  return [`~${stream}`, `~${keyPrefixOf(stream)}:*`]
}

/**
 * Rules of Redis' ACL that give a user, who has those of `keyRules`, some commands of a program: those that write are in
 * a selector, for the keys alone that the program writes to.
 * @param commands As in `rights`.
 */
export function commandRules(program: Program, commands: readonly string[], stream: string): string[] {
  const { writes } = rights[program]
  const writing = writes ? commands.filter((command) => WRITING.includes(command)) : []
  if (!writes || writing.length === 0) return [...commands]
  const keys = [`~${stream}`, ...writes.map((end) => `~${keyPrefixOf(stream)}${end}`)]
  return [...commands.filter((command) => !WRITING.includes(command)), `(${[...keys, ...writing].join(' ')})`]
}
