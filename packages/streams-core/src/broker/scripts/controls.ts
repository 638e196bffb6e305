import { CIRCUIT_FIELD, LIMIT_FIELD, PROBE_FIELD } from '../../define/controls.ts'
import { script } from '../script.ts'
import { ENOUGH_BYTES, groupInfoLua, infoLua, nowLua, typeLua } from './fragments.ts'

/**
 * Pauses a group or one of its event types. One that is paused already stays paused since then; its reason is replaced
 * only by another one.
 *
 * `field`: of the hash.   `hasReason`: 1 or 0: none is given.   Returns 1, or 0: there is no such group.
 */
export const PAUSE = script(
  { keys: ['stream', 'controls'], args: ['group', 'field', 'reason', 'hasReason'], allowOom: true },
  `
${infoLua}
${groupInfoLua}
${nowLua}
if not groupInfo() then return 0 end
local since = string.match(redis.call('HGET', controls, field) or '', '^%d+')
if since and hasReason == '0' then return 1 end
since = since or string.format('%.0f', nowMs())
redis.call('HSET', controls, field, since .. ' ' .. reason)
return 1
`,
)

/** Entries that one step of RECENT_TYPES reads, and that it looks at. */
const STEP = 50
const RECENT = 1_000

/**
 * The event types of the newest entries: of fewer, where they are large.
 *
 * Returns them, each once.
 */
export const RECENT_TYPES = script(
  { keys: ['stream'] },
  `
${typeLua}
local types, isFound, looked, bytes, before, page = {}, {}, 0, 0, '+', nil
repeat
  page = redis.call('XREVRANGE', stream, before, '-', 'COUNT', ${STEP})
  for _, entry in ipairs(page) do
    local type, size = typeIn(entry[2])
    if type and not isFound[type] then types[#types + 1], isFound[type] = type, true end
    bytes, before = bytes + size, '(' .. entry[1]
  end
  looked = looked + #page
until #page < ${STEP} or looked >= ${RECENT} or bytes >= ${ENOUGH_BYTES}
return types
`,
)

/** Within this time every consumer has seen a change, and has given back the starts that were granted to it. */
const SEEN_MS = 1_000

/**
 * Sets or removes the limit of a group. If that changes it, starts are dropped that were granted and begin only after
 * each consumer has seen the change: then it asks for new ones.
 *
 * `perSecond`: empty for none.   Returns 1, or 0: there is no such group.
 */
export const LIMIT = script(
  { keys: ['stream', 'controls', 'starts'], args: ['group', 'perSecond'], allowOom: true },
  `
${infoLua}
${groupInfoLua}
${nowLua}
if not groupInfo() then return 0 end
if (redis.call('HGET', controls, '${LIMIT_FIELD}') or '') == perSecond then return 1 end
if perSecond == '' then
  redis.call('HDEL', controls, '${LIMIT_FIELD}')
else
  redis.call('HSET', controls, '${LIMIT_FIELD}', perSecond)
end
local seenUs = (nowMs() + ${SEEN_MS}) * 1000
for _, start in ipairs(redis.call('ZRANGEBYSCORE', starts, string.format('%.0f', seenUs), '+inf')) do
  -- The score is when a start may come at the latest; its name begins with when it may come first.
  if tonumber(string.match(start, '^%d+')) > seenUs then redis.call('ZREM', starts, start) end
end
return 1
`,
)

/**
 * Opens the circuit of a group, unless it is open.
 *
 * Returns { 1 if it was closed or 0, the controls of the group }.
 */
export const OPEN_CIRCUIT = script(
  { keys: ['controls'], args: ['reason', 'probeEveryMs'], allowOom: true },
  `
${nowLua}
local opened = 0
if not redis.call('HGET', controls, '${CIRCUIT_FIELD}') then
  local at = nowMs()
  redis.call('HSET', controls,
    '${CIRCUIT_FIELD}', string.format('%.0f ', at) .. reason,
    '${PROBE_FIELD}', probeEveryMs .. string.format(' %.0f', at + probeEveryMs))
  opened = 1
end
return { opened, redis.call('HGETALL', controls) }
`,
)

/**
 * Says how a probe went, unless its circuit was closed meanwhile, or opened again.
 *
 * `since`: when the circuit was opened (ms).   `verdict`: `success` closes the circuit; after `none` (which tells
 * nothing) another delivery may be probed at once.
 * Returns { 1 if the circuit is closed now, by this call, or 0, the controls of the group }.
 */
export const CONCLUDE_PROBE = script(
  { keys: ['controls'], args: ['since', 'verdict'], allowOom: true },
  `
local closed = 0
if string.match(redis.call('HGET', controls, '${CIRCUIT_FIELD}') or '', '^%d+') == since then
  if verdict == 'success' then
    redis.call('HDEL', controls, '${CIRCUIT_FIELD}', '${PROBE_FIELD}')
    closed = 1
  else
    local probeEveryMs = string.match(redis.call('HGET', controls, '${PROBE_FIELD}') or '', '^%d+')
    if probeEveryMs then redis.call('HSET', controls, '${PROBE_FIELD}', probeEveryMs .. ' 0') end
  end
end
return { closed, redis.call('HGETALL', controls) }
`,
)
