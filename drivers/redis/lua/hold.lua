#!lua
--[[
  Sets units aside for one operation: on every limit it names, or on none.

  KEYS[1] m   KEYS[2] u   KEYS[3] o   KEYS[4] a   KEYS[5] due   KEYS[6..] by place: member sets, id sets
  ARGV  1 tp  2 rev  3 catalogue revision: what the limits were resolved from  4 from  5 until: when they hold, ms
        6 fingerprint  7 <ws>/<op>  8 op  9 time of the operation, ms, or '' = now  10 state: committing or held
        11 ms until it is due  12 '1' = as many as fit  13 most open items of a workspace  14 msgpack {groups, items}
        group {limit or false, use from which it binds, '1' = facts deny it, meters}: one feature
        meter {'level', name} | {'sum', name, fields of the days, split field or '', startsAt} | {'distinct', name, set}
        item {group, meter, quantity, subject or '', member set, id, id sets by day}

  Reply  {'REBUILDING'} | {word, now, rev, cat, at, seen, lb, used and held of each group, quantity granted to each item,
         why an item costs nothing: m member, h held, deadline, answer, open items}; absent is ''
         OK | DENY nothing was written | AGAIN the operation is known | CONFLICT with another body | STALE resolve again
         DONE its events are counted, its record is gone | STALE_OPERATION | FULL
]]
local m, u, o, a = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local state = redis.call('HMGET', m, 'inc', 'ready', 'half', 'born', 'cat', 'at:' .. ARGV[1], 'seen:' .. ARGV[1], 'lb:' .. ARGV[1])
if not (state[1] and state[2]) or (state[3] or '0') ~= (state[4] or '0') then return { 'REBUILDING' } end
local now, rev, op = clock(), redis.call('HGET', u, 'rev') or '', ARGV[8]
local function reply(word, figures, granted, free, deadline, answer, lines)
  return { word, text(now), rev, state[5] or '0', state[6] or '', state[7] or '', state[8] or '', figures or '', granted or '',
    free or '', deadline or '', answer or '', lines or {} }
end
if rev ~= ARGV[2] or tonumber(state[5] or '0') > tonumber(ARGV[3]) then return reply('STALE') end
if now < tonumber(ARGV[4]) or now >= tonumber(ARGV[5]) then return reply('STALE') end
local known = redis.call('HMGET', a, 'fp', 'k', 'figures', 'granted', 'free', 'dl', 'ans')
if known[1] and known[1] ~= ARGV[6] then return reply('CONFLICT') end
if known[1] then
  return reply('AGAIN', known[3], known[4], known[5], known[6], known[7], open_lines(o, op, tonumber(known[2])))
end

local asked = cmsgpack.unpack(ARGV[14])
local counted, figures, room = 0, {}, {}
for _, item in ipairs(asked[2]) do
  for _, set in ipairs(item[7]) do item.counted = item.counted or redis.call('SISMEMBER', KEYS[set], item[6]) == 1 end
  if item.counted then counted = counted + 1 end
end
for g, group in ipairs(asked[1]) do
  local used, held = 0, 0
  for _, meter in ipairs(group[4]) do
    used, held = used + used_of(u, meter), held + tonumber(redis.call('HGET', u, 'h:' .. meter[2]) or '0')
  end
  figures[g] = text(used) .. ',' .. text(held)
  room[g] = group[1] and used >= group[2] and group[1] - used - held or math.huge
end
figures = table.concat(figures, ',')
if counted == #asked[2] then return reply('DONE', figures) end
local time = ARGV[9] ~= '' and tonumber(ARGV[9]) or now
if time < now - 86400000 or time > now + 60000 then return reply('STALE_OPERATION') end
if redis.call('HLEN', o) + 2 * #asked[2] > tonumber(ARGV[13]) then return reply('FULL') end

local fitting = admit(o, asked, room, ARGV[12] == '1')
local opened, granted, free = 0, {}, {}
for i, item in ipairs(asked[2]) do
  if item.quantity > 0 then opened = opened + 1 end
  granted[i], free[i] = text(item.quantity), item.free
end
granted, free = table.concat(granted, ','), table.concat(free, ',')
if fitting < (ARGV[12] == '1' and 1 or #asked[2]) then return reply('DENY', figures, granted, free) end

redis.call('HINCRBY', m, 'half', 1)
for i, item in ipairs(asked[2]) do
  if item.quantity > 0 then open_item(u, o, op .. '~' .. (i - 1), item, text(time)) end
end
local deadline = text(now + tonumber(ARGV[11]))
redis.call('HSET', a, 'fp', ARGV[6], 'st', ARGV[10], 'k', #asked[2], 'left', opened, 'at', text(now), 'dl', deadline,
  'figures', figures, 'granted', granted, 'free', free)
redis.call('PEXPIRE', a, 172800000)
if opened > 0 then redis.call('ZADD', KEYS[5], deadline, ARGV[7]) end
redis.call('HINCRBY', m, 'half', -1)
return reply('OK', figures, granted, free, deadline, '', open_lines(o, op, #asked[2]))
