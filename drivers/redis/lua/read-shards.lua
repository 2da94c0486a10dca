#!lua flags=no-writes
--[[
  Reads how far the counters of some shards can be trusted, all from one instant. Of one server only: the keys are of many slots.

  KEYS  m and v of each shard, by turns   ARGV[1] partitions   how many there are

  Reply  {now ms with its microseconds, {ready, cat, asOf of each partition ..., lb of each partition ...} of each shard}
         ready is '1' or '0', as read.lua has it; asOf is the later of at and seen; lb is '1' where the log was cut
  v is looked at so that whoever tracks it is told when it changes
]]
local partitions, now = tonumber(ARGV[1]), redis.call('TIME')
local fields = { 'inc', 'ready', 'cat', 'half', 'born' }
for tp = 0, partitions - 1 do
  fields[#fields + 1], fields[#fields + 2], fields[#fields + 3] = 'at:' .. tp, 'seen:' .. tp, 'lb:' .. tp
end
local reply = { string.format('%s%07.3f', now[1], tonumber(now[2]) / 1000) }
for i = 1, #KEYS, 2 do
  redis.call('EXISTS', KEYS[i + 1])
  local meta = redis.call('HMGET', KEYS[i], unpack(fields))
  local is_ready = meta[1] and meta[2] == '1' and (meta[4] or '0') == (meta[5] or '0')
  local shard = { is_ready and '1' or '0', meta[3] or '0' }
  for tp = 0, partitions - 1 do
    local at, seen = meta[6 + 3 * tp] or '0', meta[7 + 3 * tp] or '0'
    shard[3 + tp] = tonumber(seen) > tonumber(at) and seen or at
    shard[3 + partitions + tp] = meta[8 + 3 * tp] and '1' or '0'
  end
  reply[#reply + 1] = shard
end
return reply
