#!lua flags=no-writes
--[[
  The clock of the node that serves a shard: nodes of a cluster have one each.

  KEYS[1] m   any key of the shard

  Reply  now ms, a decimal string
]]
local now = redis.call('TIME')
return string.format('%s%03d', now[1], math.floor(tonumber(now[2]) / 1000))
