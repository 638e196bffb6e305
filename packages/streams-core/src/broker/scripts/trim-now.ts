import { script } from '../script.ts'
import { trimLua } from './trim.ts'

/**
 * Trims some of what every group has acknowledged, and says what holds the rest back. Whoever calls it until it trims
 * nothing has trimmed everything before `upTo`.
 *
 * `trims`: 0: only look.   `upTo`: an id, or empty for none.   More arguments: groups that must exist before anything is trimmed.
 * Returns { entries trimmed, length, newest id, id from which on entries are needed or false, id from which on they are
 * kept for their time, who needs them (see `neededFrom`) }; without an id of need: the names of missing groups.
 */
export const TRIM_NOW = script(
  { keys: ['stream', 'marks'], args: ['keepAtLeast', 'keepForMs', 'trims', 'upTo'], allowOom: true },
  `
${trimLua}
keepAtLeast, keepForMs = tonumber(keepAtLeast), tonumber(keepForMs)
if redis.call('EXISTS', stream) == 0 then return { 0, 0, '0-0', false, '0-0' } end
local required = { unpack(ARGV, MORE_ARGS) }
local trimmed = trims == '1' and makeRoom(required, keepAtLeast, keepForMs, upTo ~= '' and upTo) or 0
local needed, by = neededFrom(required)
local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
return { trimmed, redis.call('XLEN', stream), newest and newest[1] or '0-0', needed, idAged(keepForMs), unpack(by) }
`,
)
