import type { WorkerOptions } from './worker.ts'

const LOST = 'Log lines are lost, because standard output does not take them: '

/** Ways in which a service cannot write its log, each with what the service says on standard error. */
export const brokenStdouts: readonly [about: string, stdout: WorkerOptions['stdout'], said: string][] = [
  ['a full disk', { file: '/dev/full' }, `${LOST}ENOSPC: no space left on device, write`],
  ['a pipe that nobody reads', 'unread', `${LOST}it is not read`],
  ['a pipe whose reader is gone', 'closed', `${LOST}EPIPE: broken pipe, write`],
]
