#!lua
--[[
  Begins a rebuild: from here the shard answers nobody until `open-shard` ends it.

  KEYS[1] m   KEYS[2] v   ARGV[1] token  number of the incarnation being built; only the highest one goes on

  m.born becomes what m.half is, and m.half goes on: a half call that Redis kept in its file from before, and carries
  out when it starts again, shows after this rebuild, too (ADR 0009)

  Reply  'OK' | 'LOST' another rebuild is newer, or this one is done
]]
local state = redis.call('HMGET', KEYS[1], 'rst', 'inc', 'half')
local token = tonumber(ARGV[1])
if token <= tonumber(state[1] or '0') or token <= tonumber(state[2] or '0') then return 'LOST' end
redis.call('HINCRBY', KEYS[1], 'half', 1)
redis.call('HSET', KEYS[1], 'rst', ARGV[1], 'born', state[3] or '0')
redis.call('HDEL', KEYS[1], 'inc', 'ready', 'rn')
redis.call('HINCRBY', KEYS[2], 'n', 1)
redis.call('HINCRBY', KEYS[1], 'half', -1)
return 'OK'
