import { createHash } from 'node:crypto'

/** A Lua script, the digest that it is called by, and the names of its keys and arguments. */
export interface Script<K extends string = string, A extends string = string> {
  readonly lua: string
  readonly sha: string
  readonly keys: readonly K[]
  readonly args: readonly A[]
}

interface ScriptOptions<K extends string, A extends string> {
  /** Names of the keys, in the order in which the script is given them. */
  keys: readonly K[]
  /** Names of the arguments, in the order in which the script is given them. */
  args?: readonly A[]
  /**
   * The script runs although Redis is over its `maxmemory`: for scripts that only move or free, and without which
   * nothing would ever be freed again (Redis, "Eval scripts", script flags).
   */
  allowOom?: boolean
}

/**
 * A script whose Lua text finds its keys and arguments under their names. Keys and arguments beyond the named ones
 * begin at `KEYS[MORE_KEYS]` and `ARGV[MORE_ARGS]`. Arguments are strings: compare and calculate with `tonumber`.
 */
export function script<K extends string, A extends string = never>(
  { keys, args = [], allowOom = false }: ScriptOptions<K, A>,
  lua: string,
): Script<K, A> {
  const lines = [
    ...(allowOom ? ['#!lua flags=allow-oom'] : []),
    ...locals('KEYS', keys),
    ...locals('ARGV', args),
    `local MORE_KEYS, MORE_ARGS = ${keys.length + 1}, ${args.length + 1}`,
  ]
  const text = `${lines.join('\n')}\n${lua}`
  return { lua: text, sha: createHash('sha1').update(text).digest('hex'), keys, args }
}

const locals = (table: 'KEYS' | 'ARGV', names: readonly string[]): string[] =>
  names.length === 0 ? [] : [`local ${names.join(', ')} = ${names.map((_, i) => `${table}[${i + 1}]`).join(', ')}`]
