#!lua
--[[
  Deletes keys of a shard that is being rebuilt, while the rebuild still owns it.

  KEYS[1] m   KEYS[2..]  keys to delete; never m itself nor the lease   ARGV[1] token of the rebuild

  Reply  'OK' | 'LOST'
]]
if redis.call('HGET', KEYS[1], 'rst') ~= ARGV[1] then return 'LOST' end
for i = 2, #KEYS do redis.call('DEL', KEYS[i]) end
return 'OK'
