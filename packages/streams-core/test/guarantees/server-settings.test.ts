import { TcpProxy } from '@redis-streams-processor/testbed'
import { describe, expect } from 'vitest'
import type { Logger } from '../../src/index.ts'

import { Lab, startServer, test } from '../support/lab.ts'

const WEAK = ['--maxmemory-policy', 'volatile-lru', '--appendonly', 'no']

async function startRedis(lab: Lab, options: string[] = []) {
  const redis = await startServer(options)
  lab.onClose(() => redis.stop())
  return redis
}

/** A logger that keeps its warnings. */
function keepWarnings() {
  const lines: object[] = []
  const logger: Logger = {
    debug() {},
    info() {},
    error() {},
    warn: (fields, message) => void lines.push({ ...fields, message }),
  }
  const ofSettings = () => lines.filter((line) => 'setting' in line)
  return { logger, ofSettings }
}

describe('settings of Redis that weaken a promise', () => {
  test('are told by consumer, producer and inspectStream, each with what it costs and how to set it', async ({
    lab: shared,
  }) => {
    const redis = await startRedis(shared, WEAK)
    const lab = new Lab(redis.url)
    const consumer = await lab.consumer()
    const { logger, ofSettings } = keepWarnings()
    await lab.producer({ logger }).ready()
    const policy = {
      setting: 'maxmemory-policy',
      value: 'volatile-lru',
      risk: expect.stringContaining('remembered event ids'),
      remedy: 'CONFIG SET maxmemory-policy noeviction',
    }
    const persistence = {
      setting: 'appendonly',
      value: 'no',
      risk: expect.stringContaining('since the last snapshot'),
      remedy: 'CONFIG SET appendonly yes',
    }
    const kind = 'server-setting'
    expect(consumer.reports.of(kind)).toEqual([policy, persistence].map((warning) => ({ kind, ...warning })))
    const message = 'a setting of Redis weakens a promise'
    expect(ofSettings()).toEqual([policy, persistence].map((warning) => ({ message, ...warning })))
    const { server } = await lab.inspect()
    expect(server.warnings).toEqual([policy, persistence])
    expect(server.version).toMatch(/^\d+\.\d+\.\d+$/)
    // The remedies are commands that Redis takes.
    for (const { remedy } of server.warnings) await lab.send(...remedy.split(' '))
    expect((await lab.inspect()).server.warnings).toEqual([])
    // Redis does not end before it has written its first append-only file.
    const isWriting = async () => (await lab.send<string>('INFO', 'persistence')).includes('aof_rewrite_in_progress:1')
    await lab.until('the append-only file is written', async () => !(await isWriting()))
    await lab.close()
  })

  test('asynchronous replicas: a master that does not wait for one', async ({ lab: shared }) => {
    const redis = await startRedis(shared, ['--repl-diskless-sync-delay', '0'])
    const replica = await startRedis(shared, ['--replicaof', '127.0.0.1', String(redis.port)])
    const lab = new Lab(redis.url)
    const hasReplica = async () => (await lab.send<string>('INFO', 'replication')).includes('state=online')
    await lab.until('the replica is connected', hasReplica)
    const [warning, ...others] = (await lab.inspect()).server.warnings
    expect(warning).toMatchObject({ setting: 'min-replicas-to-write', value: '0' })
    expect(others).toEqual([])
    await lab.send(...(warning?.remedy.split(' ') ?? []))
    expect((await lab.inspect()).server.warnings).toEqual([])
    // That of a replica says nothing.
    expect((await new Lab(replica.url, lab.streamName).inspect()).server.warnings).toEqual([])
    await lab.close()
  })

  test('are not known to a user without the right to INFO: the version is, and one warning says so', async ({
    lab: shared,
  }) => {
    const redis = await startRedis(shared, WEAK)
    const admin = new Lab(redis.url)
    await admin.send('ACL', 'SETUSER', 'worker', 'on', '>secret', '~*', '+@all', '-info')
    const lab = new Lab(`redis://worker:secret@127.0.0.1:${redis.port}`)
    const consumer = await lab.consumer()
    expect(consumer.reports.of('server-setting')).toMatchObject([{ setting: 'acl', value: 'no right to INFO' }])
    const { server } = await lab.inspect()
    expect(server.version).toMatch(/^\d+\.\d+\.\d+$/)
    await lab.close()
    await admin.close()
  })

  test('are not told again after a reconnect, but when it leads to a server with others', async ({ lab: shared }) => {
    const redis = await startRedis(shared, WEAK)
    const other = await startRedis(shared, ['--maxmemory-policy', 'allkeys-lru', '--appendonly', 'no'])
    const proxy = await TcpProxy.start(redis.port)
    shared.onClose(() => proxy.stop())
    const lab = new Lab(redis.url)
    const { reports } = await lab.consumer({ redis: proxy.url })
    const told = () => reports.of('server-setting').map(({ value }) => value)
    const connects = () =>
      reports.of('connection').filter((r) => r.connection === 'commands' && r.state === 'connected')
    expect(told()).toEqual(['volatile-lru', 'no'])
    proxy.cut()
    await reports.until('the consumer connects again', () => connects().length === 2)
    proxy.leadTo(other.port)
    proxy.cut()
    await reports.until('the consumer tells of the other server', () => told().length > 2)
    expect(connects()).toHaveLength(3)
    expect(told()).toEqual(['volatile-lru', 'no', 'allkeys-lru'])
    await lab.close()
  })
})
