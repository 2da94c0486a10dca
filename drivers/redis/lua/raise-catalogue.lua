#!lua
--[[
  Names the catalogue revision in force; it only rises. Limits may be others with it, so that every workspace is
  to be judged anew. A shard without a life gets its revision from its rebuild.

  KEYS[1] m   KEYS[2] agenda   KEYS[3] v   ARGV[1] revision   ARGV[2] the agenda's word for its list of workspaces

  Reply  'OK'
]]
local state = redis.call('HMGET', KEYS[1], 'inc', 'cat')
if state[1] and tonumber(state[2] or '0') < tonumber(ARGV[1]) then
  redis.call('ZADD', KEYS[2], 0, ARGV[2])
  redis.call('HSET', KEYS[1], 'cat', ARGV[1])
  redis.call('HINCRBY', KEYS[3], 'n', 1)
end
return 'OK'
