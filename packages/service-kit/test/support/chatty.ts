import { createLogger } from '@redis-streams-processor/service-kit'

// Logs LINES lines as fast as it can, and ends as ENDING says.
const { LINES, ENDING } = process.env
const logger = createLogger('chatty', 'info')
for (let n = 0; n < Number(LINES); n += 1) logger.info({ n, padding: 'x'.repeat(200) }, 'line')
if (ENDING === 'throw') throw new Error('the end')
if (ENDING === 'kill') {
  logger.warn({}, 'the end')
  process.kill(process.pid, 'SIGKILL')
}
process.exit(0)
