#!lua flags=no-writes
--[[
  Reads what a check needs of one workspace, all from one instant.

  KEYS[1] m   KEYS[2] u   KEYS[3] o   KEYS[4..]  member sets, in the order of the subjects, and judge if asked for

  ARGV[1] tp      partition of the workspace     ARGV[2] fields  how many fields of u follow
  ARGV[3..]       fields of u, then one subject for each member set ('' = none), as o marks it: ~<meter>~<subject>,
                  and !<workspace> for judge

  Reply  {now ms, inc, ready, cat, at, seen, lb, whether u is there, rev, value of each field ..., size, is member, is held, ..., value in judge}
         absent values are nil; numbers are decimal strings as stored; not ready where Redis kept half a call (ADR 0009)
]]
local tp, fields = ARGV[1], tonumber(ARGV[2])
local now = redis.call('TIME')
local meta = redis.call('HMGET', KEYS[1], 'inc', 'ready', 'cat', 'at:' .. tp, 'seen:' .. tp, 'lb:' .. tp, 'half', 'born')
if (meta[7] or '0') ~= (meta[8] or '0') then meta[2] = false end
local reply = { string.format('%s%03d', now[1], math.floor(tonumber(now[2]) / 1000)) }
for i = 1, 6 do reply[i + 1] = meta[i] end
reply[8] = tostring(redis.call('EXISTS', KEYS[2]))

local wanted = { 'rev' }
for i = 1, fields do wanted[i + 1] = ARGV[i + 2] end
local values = get_fields(KEYS[2], wanted)
for i = 1, #wanted do reply[8 + i] = values[i] end

for i = 4, #KEYS do
  local mark = ARGV[fields + i - 1]
  local subject, judged = string.match(mark, '^~[^~]*~(.*)$'), string.match(mark, '^!(.*)$')
  if judged then
    reply[#reply + 1] = redis.call('HGET', KEYS[i], judged) or ''
  else
    reply[#reply + 1] = tostring(redis.call('SCARD', KEYS[i]))
    reply[#reply + 1] = subject and tostring(redis.call('SISMEMBER', KEYS[i], subject)) or '0'
    reply[#reply + 1] = subject and tostring(redis.call('HEXISTS', KEYS[3], mark)) or '0'
  end
end
return reply
