import { spawnSync } from 'node:child_process'
import { onPath } from '@redis-streams-processor/testbed'
import { describe, expect, test } from 'vitest'
import { createProgram } from '../../src/program.ts'
import { completionScript, shells } from '../../src/show/completion.ts'

/** What the shell offers after these words, of which the last is not finished. */
const offered = {
  bash(words: readonly string[]) {
    const list = words.map((word) => `'${word}'`).join(' ')
    const ask = `COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _streamctl; printf '%s\\n' "\${COMPREPLY[@]}"`
    return run('bash', `${completionScript(createProgram(), 'bash')}${ask}`)
  },
  zsh(words: readonly string[]) {
    const list = words.map((word) => `'${word}'`).join(' ')
    // The completion system itself needs a terminal: its two commands are what the script talks to.
    const system = `compdef() { :; }; compadd() { shift; print -l -- "\${(@M)@:#\${words[CURRENT]}*}"; }\n`
    return run(
      'zsh',
      `${system}${completionScript(createProgram(), 'zsh')}words=(${list}); CURRENT=${words.length}; _streamctl`,
    )
  },
}

function run(shell: string, script: string): string[] {
  const { status, stdout, stderr } = spawnSync(shell, ['-c', script], { encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout.split('\n').filter(Boolean)
}

describe.each(shells)('completion for %s', (shell) => {
  if (!onPath(shell) && process.env.CI) throw new Error(`the tests of the completion need ${shell}: install it`)
  test.skipIf(!onPath(shell)).each([
    [
      ['streamctl', 'd'],
      ['dead', 'doctor'],
    ],
    [['streamctl', 'dead', ''], expect.arrayContaining(['list', 'show', 'redrive', 'purge', '--json'])],
    [['streamctl', '--json', 'dead', 're'], ['redrive']],
    [['streamctl', 'dead', 'redrive', '--dry'], ['--dry-run']],
    [['streamctl', 'dead', 'list', '--reason', 'm'], ['malformed']],
    [['streamctl', 'completion', 'b'], ['bash']],
    [['streamctl', 'nothing', 'list'], []],
  ])('%j', (words, expected) => expect(offered[shell](words)).toEqual(expected))
})
