import { inspectStream } from '@redis-streams-processor/streams-core'
import { Failure } from './failure.ts'
import type { Tool } from './tool.ts'

/** The groups that a command is about: the one that was named, or all. @throws {Failure} when there is no such group. */
export async function groupsOf(tool: Tool, named: string | undefined): Promise<string[]> {
  const { groups } = await inspectStream(tool.stream, tool.redis)
  const all = groups.map(({ group }) => group)
  if (named === undefined) return all
  if (all.includes(named)) return [named]
  const others = all.length === 0 ? 'it has none' : `it has ${all.join(', ')}`
  throw new Failure('notFound', 'NO_SUCH_GROUP', `the stream ${tool.stream.name} has no group ${named}: ${others}`)
}

/** The group that was named, or the only one of the stream. @throws {Failure} when it is not clear which. */
export async function theGroup(tool: Tool, named: string | undefined): Promise<string> {
  const groups = await groupsOf(tool, named)
  const [group] = groups
  if (group !== undefined && groups.length === 1) return group
  if (group === undefined) throw new Failure('notFound', 'NO_SUCH_GROUP', `the stream ${tool.stream.name} has no group`)
  throw new Failure('usage', 'USAGE', `say which group with --group: ${groups.join(', ')}`)
}
