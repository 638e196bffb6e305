import { run } from './run.ts'

const code = await run(process.argv.slice(2))
// A question that nobody answered, or a connection that hangs, must not keep the process.
process.stdout.write('', () => process.exit(code))
