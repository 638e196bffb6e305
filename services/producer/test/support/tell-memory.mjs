// Loaded by `--import` before a service: at SIGUSR2, tells what is left in memory once its garbage is collected.
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')

process.on('SIGUSR2', async () => {
  // What is closed in one turn may be let go of in the next.
  for (let n = 0; n < 5; n += 1) {
    collect()
    await turn()
  }
  const { heapUsed, external } = process.memoryUsage()
  console.log(JSON.stringify({ msg: 'memory', bytes: heapUsed + external }))
})
