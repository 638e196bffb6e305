import { createHash } from 'node:crypto'
import type { Argument } from '../define/redis-options.ts'

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

/** Keys and arguments of a call beyond the named ones. */
export interface More {
  keys?: readonly string[]
  args?: readonly Argument[]
}

/** What a call of a script is given, after its digest or its text: the number of keys, the keys, the arguments. */
export function wordsOf<K extends string, A extends string>(
  script: Script<K, A>,
  keys: Readonly<Record<K, string>>,
  args: Readonly<Record<A, Argument>>,
  more: More = {},
): Argument[] {
  const allKeys = [...script.keys.map((name) => keys[name]), ...(more.keys ?? [])]
  return [allKeys.length, ...allKeys, ...script.args.map((name) => args[name]), ...(more.args ?? [])]
}
