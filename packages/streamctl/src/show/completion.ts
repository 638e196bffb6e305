import type { Command, Option } from 'commander'

export const shells = ['bash', 'zsh'] as const
export type Shell = (typeof shells)[number]

interface Node {
  /** " dead list": each word with a space before it; empty for the program. */
  path: string
  words: string[]
  /** Options that take one of a few values. */
  choices: Map<string, readonly string[]>
}

/** A script for the shell, made of the tree of commands: after each command its subcommands and options. */
export function completionScript(program: Command, shell: Shell): string {
  const nodes = nodesOf(program, '', [])
  const paths = nodes.map(({ path }) => path).filter(Boolean)
  const choices = new Map(nodes.flatMap((node) => [...node.choices]))
  const offer = { bash: (words: string) => `words='${words}'`, zsh: (words: string) => `offered=(${words})` }[shell]
  const cases = [...nodes.map(({ path, words }) => `    '${path}') ${offer(words.join(' '))} ;;`)]
  const ofOptions = [...choices].map(([flag, values]) => `    ${flag}) ${offer(values.join(' '))} ;;`)
  return `${frames[shell](paths.map((path) => `'${path}'`).join('|'), cases.join('\n'), ofOptions.join('\n'))}\n`
}

function nodesOf(command: Command, path: string, inherited: readonly Option[]): Node[] {
  const options = [...command.options, ...inherited]
  const subcommands = command.commands.map((one) => one.name())
  const flags = options.flatMap(({ short, long }) => [long, short].filter((flag) => flag !== undefined))
  const choices = new Map(
    options.flatMap(({ long, argChoices }) => (long && argChoices ? [[long, argChoices] as const] : [])),
  )
  const ofArguments = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? [])
  const own: Node = { path, words: [...subcommands, ...ofArguments, ...flags, '--help'], choices }
  return [own, ...command.commands.flatMap((one) => nodesOf(one, `${path} ${one.name()}`, options))]
}

type Frame = (paths: string, cases: string, ofOptions: string) => string

const frames: Record<Shell, Frame> = {
  bash: (paths, cases, ofOptions) => `_streamctl() {
  local at='' words='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
      ${paths}) at="$at \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$at" in
${cases}
  esac
  case "\${COMP_WORDS[COMP_CWORD - 1]}" in
${ofOptions}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _streamctl streamctl`,
  zsh: (paths, cases, ofOptions) => `#compdef streamctl
_streamctl() {
  local at='' i
  local -a offered
  for ((i = 2; i < CURRENT; i++)); do
    case "$at \${words[i]}" in
      ${paths}) at="$at \${words[i]}" ;;
    esac
  done
  case "$at" in
${cases}
  esac
  case "\${words[CURRENT - 1]}" in
${ofOptions}
  esac
  compadd -- "\${offered[@]}"
}
compdef _streamctl streamctl`,
}
