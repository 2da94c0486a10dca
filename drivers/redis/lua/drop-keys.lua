#!lua
--[[
  Deletes keys of a shard that is being rebuilt, while the rebuild still owns it.

  KEYS[1] m   KEYS[2..]  keys to delete; never m itself nor the lease   ARGV[1] token of the rebuild

  Reply  'OK' | 'LOST'
  Counts itself in m.rn, so that the end of the rebuild sees whether Redis went back in the middle of it.
]]
if redis.call('HGET', KEYS[1], 'rst') ~= ARGV[1] then return 'LOST' end
redis.call('HINCRBY', KEYS[1], 'half', 1)
for i = 2, #KEYS do redis.call('DEL', KEYS[i]) end
redis.call('HINCRBY', KEYS[1], 'rn', 1)
redis.call('HINCRBY', KEYS[1], 'half', -1)
return 'OK'
