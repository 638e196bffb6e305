import { script } from '../connection.ts'
import { compareIdsLua } from './fragments.ts'

/**
 * Creates the group, and the stream with it, from its last low-water mark; from the beginning where there is no mark,
 * or the stream is another one than that of the mark.
 *
 * KEYS[1] stream   KEYS[2] marks   KEYS[3] history
 * ARGV[1] group
 * Returns { 1 if created or 0 if it existed, the id that it starts after, the newest id }.
 */
export const CREATE_GROUP = script(
  `
${compareIdsLua}
local start = string.match(redis.call('HGET', KEYS[2], ARGV[1]) or '0', '^%S+')
local newest = false
if redis.call('EXISTS', KEYS[1]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then newest = info[i + 1] end
  end
end
if start ~= '0' and (not newest or compareIds(newest, start) < 0) then start = '0' end
local reply = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], start, 'MKSTREAM')
if not reply.err then
  -- What failed before is delivered as if for the first time.
  redis.call('DEL', KEYS[3])
  return { 1, start, newest or '0-0' }
end
if string.find(reply.err, 'BUSYGROUP', 1, true) then return { 0, start, newest } end
return reply
`,
  { allowOom: true },
)

/**
 * Gives up what is pending under a name that an earlier process had: that process is dead, and what it held is claimed
 * like anything that a dead consumer leaves behind, its crash charged.
 *
 * KEYS[1] stream
 * ARGV[1] group   ARGV[2…] name, name to leave it under, for each name
 * Returns how many.
 */
export const DISOWN = script(
  `
local stream, group, count = KEYS[1], ARGV[1], 0
for i = 2, #ARGV, 2 do
  local start = '-'
  repeat
    local page = redis.call('XPENDING', stream, group, start, '+', 200, ARGV[i])
    for _, entry in ipairs(page) do
      redis.call('XCLAIM', stream, group, ARGV[i + 1], 0, entry[1], 'IDLE', entry[3], 'JUSTID')
      count = count + 1
    end
    if #page > 0 then start = '(' .. page[#page][1] end
  until #page < 200
end
return count
`,
  { allowOom: true },
)

/**
 * Hands back, uncharged, what Redis says is ours and we never saw: a reply that was lost shortly before we leave.
 *
 * KEYS[1] stream
 * ARGV[1] group   ARGV[2…] our name, name to hand back to, idle ms with which it is due there, for each name
 * Returns how many.
 */
export const HAND_BACK_REST = script(
  `
local stream, group, count = KEYS[1], ARGV[1], 0
for i = 2, #ARGV, 3 do
  local name, target, idleMs = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  for _, entry in ipairs(redis.call('XPENDING', stream, group, '-', '+', 2000, name)) do
    local before = math.max(0, entry[4] - 1)
    redis.call('XCLAIM', stream, group, target, 0, entry[1], 'IDLE', idleMs, 'RETRYCOUNT', before, 'JUSTID')
    count = count + 1
  end
end
return count
`,
  { allowOom: true },
)
