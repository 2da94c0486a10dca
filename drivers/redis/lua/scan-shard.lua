#!lua flags=no-writes
--[[
  One step over the keys of the node that serves a shard.

  KEYS[1] m   any key of the shard   ARGV[1] cursor, '0' to begin   ARGV[2] pattern   ARGV[3] how many keys to look at

  Reply  {run, cursor, key ...}
         run names the life of the server: a cursor means nothing to a server that started anew or took this one's place
]]
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local step = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])
local reply = { run, step[1] }
for i, key in ipairs(step[2]) do reply[i + 2] = key end
return reply
