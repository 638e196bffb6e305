import { openDeadLetters } from '@redis-streams-processor/streams-core'
import { STREAM } from '../arena.ts'

// A redrive to be killed.
const { REDIS_URL = '', GROUP = '' } = process.env
const letters = openDeadLetters(STREAM, { redis: REDIS_URL, group: GROUP })
console.log('redriving')
await letters.redrive()
await letters.close()
