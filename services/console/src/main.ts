import {
  createLogger,
  newRegistry,
  readSettings,
  redisOf,
  runService,
  SettingsError,
  startOpsServer,
} from '@redis-streams-processor/service-kit'
import { openWatcher } from '@redis-streams-processor/streams-core'
import { Door } from './door.ts'
import { PAGE } from './letters.ts'
import { Looker } from './looker.ts'
import { type ServerOptions, startServer } from './server.ts'
import { settingsSchema, tokenOf } from './settings.ts'

await runService(async (signal) => {
  const settings = readSettings(settingsSchema)
  const logger = createLogger('console', settings.LOG_LEVEL)
  const [stream, redis] = [{ name: settings.STREAM }, redisOf(settings)]
  const watcher = openWatcher(stream, { redis, letters: PAGE })
  const looker = new Looker({ watcher, logger })
  const { OPS_PORT: port, OPS_HOST: host, CONSOLE_READ_ONLY } = settings
  const health = () =>
    looker.problem === undefined ? { ready: true as const } : { ready: false as const, reason: looker.problem }
  const ops = await startOpsServer({ port, host, registry: newRegistry(), health, logger })
  try {
    const server = await listen({
      ...{ stream, redis, looker, logger },
      ...{ host: settings.CONSOLE_HOST, port: settings.CONSOLE_PORT },
      door: new Door(tokenOf(settings)),
      isReadOnly: CONSOLE_READ_ONLY === 'on',
    })
    logger.info({ url: server.url }, 'the page is served')
    try {
      await looker.run(signal)
    } finally {
      await server.close()
    }
  } finally {
    await ops.close()
    await watcher.close()
  }

  /** Another process may have the port: then a free one is used, as for the door for operations. */
  async function listen(options: ServerOptions) {
    try {
      return await startServer(options).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EADDRINUSE') throw error
        logger.warn({ port: options.port }, 'CONSOLE_PORT is taken by another process: a free port is used instead')
        return startServer({ ...options, port: 0 })
      })
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code === undefined) throw error
      throw new SettingsError(`CONSOLE_PORT, CONSOLE_HOST: expected an address to listen on, got ${message}`)
    }
  }
})
