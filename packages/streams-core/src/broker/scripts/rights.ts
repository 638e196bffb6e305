import { script } from '../script.ts'

/**
 * Asks Redis what the user of this connection may do, and does nothing.
 *
 * `stream`, `derived`: the two kinds of keys. They are no keys of this call: without the right to them Redis would refuse
 * the call itself.
 * More arguments: commands, each as one text of words. The word `KEY` stands for a key; without it, as many keys are added
 * as the command takes.
 * Returns for each command { for each of the two keys 1 if the user may, 0 if not, -1 if the server does not know it }.
 */
export const CHECK_RIGHTS = script(
  { keys: [], args: ['stream', 'derived'] },
  `
-- Newer versions do not judge a command with too many words; older ones judge one with too few, as if it had no key.
local function mayRun(words, most)
  local first = #words
  for count = most, 0, -1 do
    for i = 1, most do words[first + i] = i <= count and words.key or nil end
    local isJudged, isAllowed = pcall(redis.acl_check_cmd, unpack(words))
    if isJudged then return isAllowed and 1 or 0 end
  end
  return -1
end

local replies = {}
for i = MORE_ARGS, #ARGV do
  local reply = {}
  for k, key in ipairs({ stream, derived }) do
    local words, isWhole = { key = key }, false
    for word in string.gmatch(ARGV[i], '%S+') do
      words[#words + 1] = word == 'KEY' and key or word
      isWhole = isWhole or word == 'KEY'
    end
    reply[k] = mayRun(words, isWhole and 0 or 5)
  end
  replies[#replies + 1] = reply
end
return replies
`,
)
