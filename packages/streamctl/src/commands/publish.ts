import { text } from 'node:stream/consumers'
import { createProducer, defineStream } from '@redis-streams-processor/streams-core'
import type { Command } from 'commander'
import { z } from 'zod'
import { wrap } from '../show/text.ts'
import { act } from '../tool/act.ts'
import { loadCatalog } from '../tool/catalog.ts'
import { Failure } from '../tool/failure.ts'
import type { Tool } from '../tool/tool.ts'

interface Options {
  data: string
  catalog?: string
  id?: string
  subject?: string
  source: string
}

export function addPublish(program: Command): void {
  program
    .command('publish')
    .argument('<type>', 'type of the event, e.g. user.deleted')
    .summary('publish one event')
    .description('Publishes one event. With --catalog its schema is checked first; otherwise any data is taken.')
    .requiredOption('-d, --data <json>', 'the data, as JSON; - reads standard input')
    .option('--catalog <module>', 'folder or file of a module that exports the catalog, e.g. packages/events')
    .option('--id <id>', 'event id; the same id again within two minutes appends nothing (default: a random one)')
    .option('--subject <subject>', 'what the event is about')
    .option('--source <uri>', 'where it happened', '/streamctl')
    .action(act('publish', publish))
}

async function publish(tool: Tool<'publish'>, given: Options, type: string): Promise<void> {
  const data = parse(given.data === '-' ? await text(process.stdin) : given.data)
  const catalog = given.catalog === undefined ? undefined : await loadCatalog(given.catalog)
  if (catalog && !Object.hasOwn(catalog, type)) {
    const known = Object.keys(catalog).join(', ')
    throw new Failure('usage', 'INVALID_EVENT', `the catalog has no type ${type}; it has ${known}`)
  }
  const stream = defineStream(tool.stream.name, catalog ?? { any: z.unknown() }, {
    retention: tool.settings.retention(),
  })
  const producer = createProducer(stream, tool.redis)
  const { id, subject, source } = given
  const options = { source, ...(id !== undefined && { id }), ...(subject !== undefined && { subject }) }
  try {
    const {
      id: eventId,
      entryId,
      duplicate,
    } = await (catalog ? producer.publish(type, data, options) : producer.publishUnchecked(type, data, options))
    const shown = { eventId, entryId, duplicate, checked: catalog !== undefined }
    const how = duplicate ? 'had been published before, as' : 'published as'
    const done = `${eventId} ${how} ${entryId}${catalog ? '' : ' (not checked: no --catalog)'}`
    tool.show(shown, (width) => wrap(done, width, 2))
  } finally {
    await producer.close()
  }
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    // Without the words of the parser, which quote the data.
    throw new Failure('usage', 'INVALID_EVENT', '--data: expected JSON, got something else (not shown)')
  }
}
