#!lua flags=no-writes
--[[
  Reads where a shard stands and which workspaces changed since the last round, from one instant.

  KEYS[1] m   KEYS[2] dirty

  Reply  {all fields of m, all fields of dirty}, each a flat list
]]
return { redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[2]) }
