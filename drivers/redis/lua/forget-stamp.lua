#!lua
--[[
  Takes a workspace off a to-do hash (`judge`, `dirty`) if it was not touched since it was read.

  KEYS[1] hash   KEYS[2] m, where a round of snapshots was stored
  ARGV[1] workspace   ARGV[2] value as it was read   ARGV[3] number of that round, kept in m.snap   ARGV[4] inc

  Reply  'OK' | 'TOUCHED' it stays; in `judge` without the changes that were read (unjudged.lua), but for the time of the
         last use of them: more of that time may have been counted since
]]
if KEYS[2] and redis.call('HGET', KEYS[2], 'inc') == ARGV[4] then redis.call('HSET', KEYS[2], 'snap', ARGV[3]) end
local value = redis.call('HGET', KEYS[1], ARGV[1])
if value ~= ARGV[2] then
  local stamp, changes = string.match(value or '', '^([^|]+)|(.*)$')
  local read = string.match(ARGV[2], '|(.+)$')
  if stamp and read and string.sub(changes, 1, #read) == read then
    local last, later = string.match(read, '(%d+)[^;*]*$'), string.match(changes, '^[^;]*;(.*)$', #read + 1)
    if string.match(read, '%*%d+$') then last = nil end
    redis.call('HSET', KEYS[1], ARGV[1], stamp .. '|' .. (last or '') .. (last and later and ';' or '') .. (later or ''))
  end
  return 'TOUCHED'
end
redis.call('HDEL', KEYS[1], ARGV[1])
return 'OK'
