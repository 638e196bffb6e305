import { keyPrefixOf } from './names.ts'

const words = (text: string): readonly string[] => text.split(' ')

/**
 * What each program may do in Redis, as rules of Redis' ACL: the one list, from which docs/operations.md and
 * deploy/redis/users.acl are made. Without any one of the `needed` rules, something fails. Without the `optional` ones
 * nothing does; docs/operations.md says what is missed.
 */
export const rights = {
  producer: {
    needed: words(
      '+eval +evalsha +get +hdel +hgetall +hincrby +hmget +hset +pexpire +set +time +unlink +xack +xadd +xinfo|groups' +
        ' +xlen +xpending +xrange +xtrim +zrem',
    ),
    optional: words('+info +exists +hget +xinfo|consumers'),
  },
  consumer: {
    needed: words(
      '+del +eval +evalsha +exists +get +hdel +hget +hgetall +hset +pexpire +set +time +xack +xadd +xclaim' +
        ' +xgroup|create +xgroup|delconsumer +xinfo|consumers +xinfo|groups +xinfo|stream +xlen +xpending +xrange +xreadgroup' +
        ' +xrevrange +xtrim +zadd +zcard +zrange +zrangebyscore +zrem +zremrangebyscore +zscore',
    ),
    optional: words('+info +client|unblock +hincrby'),
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
} as const satisfies Record<string, { needed: readonly string[]; optional: readonly string[] }>

export type Program = keyof typeof rights

/** The keys that a program uses for a stream, as rules of Redis' ACL, in which `*` stands for any text. */
export function keyRules(stream: string): string[] {
  return [`~${stream}`, `~${keyPrefixOf(stream)}:*`]
}
