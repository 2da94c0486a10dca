#!lua
--[[
  Begins a rebuild: from here the shard answers nobody until `open-shard` ends it.

  KEYS[1] m   ARGV[1] token  number of the incarnation being built; only the highest one goes on

  Reply  'OK' | 'LOST' another rebuild is newer, or this one is done
]]
local state = redis.call('HMGET', KEYS[1], 'rst', 'inc')
local token = tonumber(ARGV[1])
if token <= tonumber(state[1] or '0') or token <= tonumber(state[2] or '0') then return 'LOST' end
redis.call('HSET', KEYS[1], 'rst', ARGV[1])
redis.call('HDEL', KEYS[1], 'inc', 'ready', 'rn', 'tb', 'te')
return 'OK'
