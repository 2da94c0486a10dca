#!lua
--[[
  Forgets the event ids of one day, once no copy of them can come any more (stream time, never a clock).

  KEYS[1] m   KEYS[2] b   KEYS[3..] the day's dedupe sets
  ARGV[1] inc   ARGV[2] bucket   ARGV[3] bound: dropped only if the newest id in it was appended before this, ms

  Reply  'DROPPED' | 'KEPT' | 'INC'
]]
if redis.call('HGET', KEYS[1], 'inc') ~= ARGV[1] then return 'INC' end
local latest = tonumber(redis.call('HGET', KEYS[2], ARGV[2]) or '0')
if latest >= tonumber(ARGV[3]) then return 'KEPT' end
for i = 3, #KEYS do redis.call('UNLINK', KEYS[i]) end
redis.call('HDEL', KEYS[2], ARGV[2])
return 'DROPPED'
