import { OUR_WORDS } from '../letter-codec.ts'
import { script } from '../script.ts'

/**
 * Sends a dead letter back to its stream, without our own two fields: one step, so that a crash neither loses nor
 * doubles the event.
 *
 * More arguments: fields and values to add, in place of those that the entry has under these names.
 * Returns the new entry id, or false: the letter is gone.
 */
export const REDRIVE = script(
  { keys: ['stream', 'dead'], args: ['letterId'] },
  `
local letter = redis.call('XRANGE', dead, letterId, letterId)[1]
if not letter then return false end
local fields, replaced = {}, {}
for i = MORE_ARGS, #ARGV, 2 do replaced[ARGV[i]] = true end
for i = ${OUR_WORDS + 1}, #letter[2], 2 do
  if not replaced[letter[2][i]] then
    fields[#fields + 1] = letter[2][i]
    fields[#fields + 1] = letter[2][i + 1]
  end
end
for i = MORE_ARGS, #ARGV do fields[#fields + 1] = ARGV[i] end
local id = redis.call('XADD', stream, '*', unpack(fields))
redis.call('XDEL', dead, letterId)
return id
`,
)
