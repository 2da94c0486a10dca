#!lua
--[[
  Stores the facts of a workspace beside its counters, unless newer ones are there; they are a cache of MongoDB.

  KEYS[1] m   KEYS[2] u   KEYS[3] e   KEYS[4] judge

  ARGV[1] rev    '<versions>.<overrides>.<crossings>', how many of each are stored; '0.0.0' nothing: then nothing is named
  ARGV[2] facts  bytes, see packed-facts.ts   ARGV[3] workspace
  ARGV[4] nonce  ARGV[5] since  ms from which a crossing would count, 'look' where nobody knows, or '' when the change
                 cannot cross a limit; kept in judge as unjudged.lua says
  ARGV[6] lost   rev that MongoDB does not have, or '': a restored one has fewer, and what stands here is replaced

  Reply  'INC' the shard is not usable | 'STORED' | 'SAME' only re-read | 'OLDER' | 'MIXED' read MongoDB again
  Writes nothing for INC, OLDER and MIXED. SAME asks for a judgement, too: who stored the change first may have
  read it on the way and not known since when it counts.
]]
if not redis.call('HGET', KEYS[1], 'inc') then return 'INC' end

local function parts(rev)
  local versions, overrides, crossings = string.match(rev, '^(%d+)%.(%d+)%.(%d+)$')
  return { tonumber(versions), tonumber(overrides), tonumber(crossings) }
end

local current = redis.call('HGET', KEYS[2], 'rev')
local higher, lower = not current, false
if current then
  local new, old = parts(ARGV[1]), parts(current)
  for i = 1, 3 do
    if new[i] > old[i] then higher = true end
    if new[i] < old[i] then lower = true end
  end
end
if lower and current ~= ARGV[6] then return higher and 'MIXED' or 'OLDER' end

if ARGV[1] == '0.0.0' then
  redis.call('DEL', KEYS[3])
  redis.call('HDEL', KEYS[2], 'rev')
  return 'SAME'
end
redis.call('SET', KEYS[3], ARGV[2])
if higher or lower then redis.call('HSET', KEYS[2], 'rev', ARGV[1]) end
if ARGV[5] ~= '' then
  local now = redis.call('TIME')
  local stamp = string.format('%s%06d.%s', now[1], tonumber(now[2]), ARGV[4])
  local changes, at = string.match(redis.call('HGET', KEYS[4], ARGV[3]) or '', '|(.*)$') or '', tonumber(ARGV[5])
  local latest = tonumber(string.match(changes, '%*(%d+)$'))
  if at and latest then changes = string.gsub(changes, '%d+$', string.format('%.0f', math.max(at, latest)))
  elseif at then changes = string.format('%s%s*%.0f', changes, changes ~= '' and ';' or '', at) end
  redis.call('HSET', KEYS[4], ARGV[3], stamp .. '|' .. changes)
end
return (higher or lower) and 'STORED' or 'SAME'
