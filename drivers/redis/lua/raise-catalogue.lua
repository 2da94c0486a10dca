#!lua
--[[
  Names the catalogue revision in force; it only rises. A shard without a life gets it from its rebuild.

  KEYS[1] m   ARGV[1] revision

  Reply  'OK'
]]
local state = redis.call('HMGET', KEYS[1], 'inc', 'cat')
if state[1] and tonumber(state[2] or '0') < tonumber(ARGV[1]) then redis.call('HSET', KEYS[1], 'cat', ARGV[1]) end
return 'OK'
