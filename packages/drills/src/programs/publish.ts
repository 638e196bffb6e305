import { Publisher } from '../publisher.ts'

// A publisher to be killed. It begins with the first id of a seed, because it does not know what arrived the last time.
const { REDIS_URL = '', LEDGER_DIR = '', EVENTS, SEED } = process.env
const publisher = new Publisher(REDIS_URL, LEDGER_DIR)
const ids = Array.from({ length: Number(EVENTS) }, (_, n) => `event-${SEED}-${n}`)
console.log('publishing')
await publisher.publishAll({ ids })
await publisher.close()
