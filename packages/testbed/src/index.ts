export { findServerProgram, type ServerProgram } from './find-server.ts'
export { TcpProxy } from './proxy.ts'
export { RedisServer, startRedis } from './redis-server.ts'
export { type LogLine, Worker } from './worker.ts'
