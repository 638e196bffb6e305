import type { TestProject } from 'vitest/node'
// By its path: Vitest loads this file without the condition `source`, by which packages find each other.
import { testUsers } from '../../streams-core/test/support/test-users.ts'
import { startRedis } from './redis-server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    redisUrl: string
  }
}

/** One Redis for a whole run of the tests; every test has a stream of its own on it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const redis = await startRedis(testUsers)
  project.provide('redisUrl', redis.url)
  return () => redis.stop()
}
