import { examineStream } from '@redis-streams-processor/streams-core'
import type { Command } from 'commander'
import { findingsOf } from '../show/findings.ts'
import { wrap } from '../show/text.ts'
import { act } from '../tool/act.ts'
import { exitCodeOf } from '../tool/exit-codes.ts'
import { failureOf } from '../tool/failure.ts'
import type { Tool } from '../tool/tool.ts'

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .summary('what is wrong with Redis or with the settings, and what to do')
    .description('Looks at the settings, at Redis and at what its user may do, and says of each fault what to do.')
    .action(act('doctor', doctor))
}

async function doctor(tool: Tool<'doctor'>): Promise<void> {
  const examination = await examineStream(tool.stream, tool.redis).catch(failureOf)
  const findings = findingsOf(examination, tool.settings, tool.stream.name)
  const isWell = !findings.some(({ verdict }) => verdict === 'problem')
  tool.show({ isWell, findings }, (width) => [
    ...findings.flatMap(({ check, verdict, says, remedy }) => [
      ...wrap(`${verdict.padEnd(7)}  ${check.padEnd(11)}  ${says}`, width, 22),
      ...(remedy === undefined ? [] : wrap(`${' '.repeat(22)}To do: ${remedy}`, width, 29)),
    ]),
  ])
  if (!isWell) process.exitCode = exitCodeOf('exit' in examination ? examination.exit : 'failed')
}
