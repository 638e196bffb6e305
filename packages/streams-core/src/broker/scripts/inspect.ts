import { script } from '../script.ts'
import { compareIdsLua, infoLua, pseudoConsumersLua } from './fragments.ts'

/**
 * The oldest entry of a group that some consumer should be working on: pending and not parked, or not delivered yet.
 *
 * Returns its id, or false.
 */
export const OLDEST_UNHANDLED = script(
  { keys: ['stream'], args: ['group'] },
  `
${compareIdsLua}
${infoLua}
${pseudoConsumersLua}
local oldest = false
for _, info in ipairs(groupInfos(stream)) do
  if info.name == group then
    local next = redis.call('XRANGE', stream, '(' .. info['last-delivered-id'], '+', 'COUNT', 1)[1]
    oldest = next and next[1]
  end
end
for _, info in ipairs(consumerInfos(stream, group)) do
  if info.pending > 0 and info.name ~= RETRY then
    local id = redis.call('XPENDING', stream, group, '-', '+', 1, info.name)[1][1]
    if not oldest or compareIds(id, oldest) < 0 then oldest = id end
  end
end
return oldest
`,
)

/**
 * Counts the entries after an id, at most `atMost`, so that no call holds Redis up for long.
 *
 * Returns { their number, the id of the last one, or false when there are none }.
 */
export const COUNT_AFTER = script(
  { keys: ['stream'], args: ['after', 'atMost'] },
  `
local entries = redis.call('XRANGE', stream, '(' .. after, '+', 'COUNT', atMost)
local last = entries[#entries]
return { #entries, last and last[1] }
`,
)
