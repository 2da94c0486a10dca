#!lua
--[[
  Takes a workspace off a to-do hash (`judge`, `dirty`) if it was not touched since it was read.

  KEYS[1] hash   KEYS[2] m, where a round of snapshots was stored
  ARGV[1] workspace   ARGV[2] value as it was read   ARGV[3] number of that round, kept in m.snap   ARGV[4] inc

  Reply  'OK' | 'TOUCHED' it stays; in `judge` without the raises from before the look that ended before this one: this one
         read the counters after them. Those since then may have come while it did
]]
if KEYS[2] and redis.call('HGET', KEYS[2], 'inc') == ARGV[4] then redis.call('HSET', KEYS[2], 'snap', ARGV[3]) end
local value = redis.call('HGET', KEYS[1], ARGV[1])
if value ~= ARGV[2] then
  local stamp, since = string.match(value or '', '^([^|]+)|%d*|(%d*)$')
  if stamp then redis.call('HSET', KEYS[1], ARGV[1], stamp .. '|' .. since .. '|') end
  return 'TOUCHED'
end
redis.call('HDEL', KEYS[1], ARGV[1])
return 'OK'
