#!lua
--[[
  Names the catalogue revision in force; it only rises, but where MongoDB lost one. Limits may be others with it, so that
  every workspace is to be judged anew. A shard without a life gets its revision from its rebuild.

  KEYS[1] m   KEYS[2] agenda   KEYS[3] v   ARGV[1] revision   ARGV[2] the agenda's word for its list of workspaces
  ARGV[3] lost  revision that MongoDB does not have, or '': a restored one has fewer

  Reply  the revision in force, '0' for none
]]
local state = redis.call('HMGET', KEYS[1], 'inc', 'cat')
local current = state[2] or '0'
if not state[1] or tonumber(current) >= tonumber(ARGV[1]) and current ~= ARGV[3] then return current end
redis.call('ZADD', KEYS[2], 0, ARGV[2])
redis.call('HSET', KEYS[1], 'cat', ARGV[1])
redis.call('HINCRBY', KEYS[3], 'n', 1)
return ARGV[1]
