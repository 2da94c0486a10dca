#!lua
--[[
  Takes past days, which MongoDB keeps now, out of a workspace's counters: all of them or none.

  KEYS[1] m   KEYS[2] u
  ARGV[1] inc   ARGV[2] u.z as it was read, or ''   ARGV[3] its new value: what MongoDB keeps
  ARGV[4..]  for each field of u: name, value it was read with

  Reply  'OK' | 'CHANGED' something is not what was read: nothing was written | 'INC' another life
  m.half counts calls begun and not ended: other than m.born where Redis kept half a call (ADR 0009)
]]
if redis.call('HGET', KEYS[1], 'inc') ~= ARGV[1] then return 'INC' end
if (redis.call('HGET', KEYS[2], 'z') or '') ~= ARGV[2] then return 'CHANGED' end
for i = 4, #ARGV, 2 do
  if redis.call('HGET', KEYS[2], ARGV[i]) ~= ARGV[i + 1] then return 'CHANGED' end
end
redis.call('HINCRBY', KEYS[1], 'half', 1)
for i = 4, #ARGV, 2 do redis.call('HDEL', KEYS[2], ARGV[i]) end
redis.call('HSET', KEYS[2], 'z', ARGV[3])
redis.call('HINCRBY', KEYS[1], 'half', -1)
return 'OK'
