#!lua
--[[
  Keeps the answer of an operation; the first one stays.

  KEYS[1] a   ARGV[1] fingerprint   ARGV[2] answer

  Reply  the answer that is kept, or '' when the operation is not known (any more)
]]
if redis.call('HGET', KEYS[1], 'fp') ~= ARGV[1] then return '' end
redis.call('HSETNX', KEYS[1], 'ans', ARGV[2])
return redis.call('HGET', KEYS[1], 'ans')
