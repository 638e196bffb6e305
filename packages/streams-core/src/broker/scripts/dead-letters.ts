import { script } from '../connection.ts'

/**
 * Sends a dead letter back to its stream, for its group alone: one step, so that a crash neither loses nor doubles.
 *
 * KEYS[1] stream   KEYS[2] dead letters
 * ARGV[1] letter id   ARGV[2] number of leading fields and values to leave out   ARGV[3…] fields and values to add
 * Returns the new entry id, or false when the letter is gone.
 */
export const REDRIVE = script(`
local letter = redis.call('XRANGE', KEYS[2], ARGV[1], ARGV[1])[1]
if not letter then return false end
local fields, drop = {}, {}
for i = 3, #ARGV, 2 do drop[ARGV[i]] = true end
for i = tonumber(ARGV[2]) + 1, #letter[2], 2 do
  if not drop[letter[2][i]] then
    fields[#fields + 1] = letter[2][i]
    fields[#fields + 1] = letter[2][i + 1]
  end
end
for i = 3, #ARGV do fields[#fields + 1] = ARGV[i] end
local id = redis.call('XADD', KEYS[1], '*', unpack(fields))
redis.call('XDEL', KEYS[2], ARGV[1])
return id
`)
