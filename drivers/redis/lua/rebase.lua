#!lua
--[[
  Lets a shard go on with partitions whose log was made anew or lost its end, in another life: whoever counted the log before
  and a Redis that went back to it are refused. Its counters and event ids stay.

  KEYS[1] m   KEYS[2] v   ARGV[1] inc   ARGV[2] number of the incarnation that begins
  ARGV[3..]   for each partition: tp, offset that it goes on after, the log's last offset, '1' when use may be missing (lower bound)

  m.half counts calls begun and not ended: other than m.born where Redis kept half a call (ADR 0009)
  Reply  'OK' | 'INC' another life, or half a call: nothing was written
]]
local life = redis.call('HMGET', KEYS[1], 'inc', 'half', 'born')
if life[1] ~= ARGV[1] or (life[2] or '0') ~= (life[3] or '0') then return 'INC' end
redis.call('HINCRBY', KEYS[1], 'half', 1)
redis.call('HSET', KEYS[1], 'inc', ARGV[2], 'rst', ARGV[2])
for i = 3, #ARGV, 4 do
  local tp, start = ARGV[i], ARGV[i + 1]
  redis.call('HSET', KEYS[1], 'wm:' .. tp, start, 'base:' .. tp, start, 'target:' .. tp, ARGV[i + 2])
  redis.call('HDEL', KEYS[1], 'seen:' .. tp)
  if ARGV[i + 3] == '1' then redis.call('HSET', KEYS[1], 'lb:' .. tp, '1') end
  if tonumber(start) < tonumber(ARGV[i + 2]) then redis.call('HDEL', KEYS[1], 'ready') end
end
redis.call('HINCRBY', KEYS[2], 'n', 1)
redis.call('HINCRBY', KEYS[1], 'half', -1)
return 'OK'
