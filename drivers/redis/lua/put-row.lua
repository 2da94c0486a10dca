#!lua
--[[
  Writes a workspace's counters from a snapshot, while the rebuild still owns the shard.

  KEYS[1] m   KEYS[2] u   KEYS[3] t   KEYS[4..] member sets
  ARGV[1] token   ARGV[2] msgpack {fields of u as a flat list, {tp, covered offset, ...}, members of each set ...}

  Reply  'OK' | 'LOST'
  Counts itself in m.rn, as drop-keys does.
]]
if redis.call('HGET', KEYS[1], 'rst') ~= ARGV[1] then return 'LOST' end
local row = cmsgpack.unpack(ARGV[2])
redis.call('HINCRBY', KEYS[1], 'half', 1)
for i = 1, #row[1], 2 do redis.call('HSET', KEYS[2], row[1][i], row[1][i + 1]) end
for i = 1, #row[2], 2 do redis.call('HSET', KEYS[3], row[2][i], row[2][i + 1]) end
for i = 3, #row do
  for from = 1, #row[i], 500 do
    redis.call('SADD', KEYS[i + 1], unpack(row[i], from, math.min(from + 499, #row[i])))
  end
end
redis.call('HINCRBY', KEYS[1], 'rn', 1)
redis.call('HINCRBY', KEYS[1], 'half', -1)
return 'OK'
