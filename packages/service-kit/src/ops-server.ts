import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Health } from '@redis-streams-processor/streams-core'
import { Gauge, type Registry } from 'prom-client'
import { SettingsError } from './settings-error.ts'

export interface OpsOptions {
  /** 0: any free port. */
  port: number
  host: string
  registry: Registry
  /** What /readyz says, and the metric streams_ready. */
  health: () => Health
  logger: { info(fields: object, message: string): void; warn(fields: object, message: string): void }
}

export interface OpsServer {
  /** Where it listens. */
  port: number
  close(): Promise<void>
}

interface Answer {
  code: number
  type: string
  body: string
}

/**
 * The door for operations: /livez, /readyz, /metrics. When the port is taken by another process of this machine, a free
 * one is used instead, because nothing of this door may stop the service.
 * @throws {SettingsError} when this process cannot listen on that host or port at all.
 */
export async function startOpsServer({ port, host, registry, health, logger }: OpsOptions): Promise<OpsServer> {
  new Gauge({
    ...{
      registers: [registry],
      name: 'streams_ready',
      help: '1 while /readyz says that this process is ready, else 0',
    },
    collect() {
      this.set(health().ready ? 1 : 0)
    },
  })
  const answers: Record<string, () => Promise<Answer>> = {
    // Nothing is asked but that the event loop turns: who restarts by it must not restart for a handler that fails.
    '/livez': async () => text(200, 'alive\n'),
    '/readyz': async () => {
      const state = health()
      return { code: state.ready ? 200 : 503, type: 'application/json', body: `${JSON.stringify(state)}\n` }
    },
    '/metrics': async () => ({ code: 200, type: registry.contentType, body: await registry.metrics() }),
  }

  async function answer(method: string | undefined, path: string): Promise<Answer> {
    const given = Object.hasOwn(answers, path) ? answers[path] : undefined
    if (!given) return text(404, 'not found: there are /livez, /readyz and /metrics\n')
    if (method !== 'GET' && method !== 'HEAD') return text(405, 'only GET\n')
    return given().catch((error: Error) => text(500, `${error.message}\n`))
  }

  const server = createServer(async (request, response) => {
    const [path = ''] = (request.url ?? '').split('?')
    const { code, type, body } = await answer(request.method, path)
    response.writeHead(code, { 'content-type': type, 'cache-control': 'no-store' })
    response.end(request.method === 'HEAD' ? undefined : body)
  })
  await listen(server, port, host).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') {
      throw new SettingsError(
        `OPS_PORT, OPS_HOST: expected a port to listen on, got ${host}:${port} (${error.code ?? error.message})`,
      )
    }
    logger.warn({ port }, 'OPS_PORT is taken by another process: a free port is used instead')
    return listen(server, 0, host)
  })
  const { port: actualPort } = server.address() as AddressInfo
  logger.info({ host, port: actualPort }, 'listening for operations')
  return {
    port: actualPort,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

const text = (code: number, body: string): Answer => ({ code, type: 'text/plain', body })

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
