#!lua
--[[
  Takes a workspace off a to-do hash (`judge`, `dirty`) if it was not touched since it was read.

  KEYS[1] hash   ARGV[1] workspace   ARGV[2] value as it was read

  Reply  'OK' | 'TOUCHED' it stays; in `judge` without the raises that were judged: the last one is its first
]]
local value = redis.call('HGET', KEYS[1], ARGV[1])
if value ~= ARGV[2] then
  local stamp, last = string.match(value or '', '^([^|]+)|%d+|(%d+)$')
  if stamp then redis.call('HSET', KEYS[1], ARGV[1], stamp .. '|' .. last .. '|' .. last) end
  return 'TOUCHED'
end
redis.call('HDEL', KEYS[1], ARGV[1])
return 'OK'
