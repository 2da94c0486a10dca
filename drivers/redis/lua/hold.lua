#!lua
--[[
  Sets units aside for one operation: on every limit it names, or on none.

  KEYS[1] m   KEYS[2] u   KEYS[3] o   KEYS[4] a   KEYS[5] due   KEYS[6..] by place: member sets, id sets
  ARGV  1 tp  2 rev  3 catalogue revision: what the limits were resolved from  4 from  5 until: when they hold, ms
        6 fingerprint  7 <ws>/<op>  8 op  9 time of the operation, ms, or '' = now  10 state: committing or held
        11 ms until it is due  12 '1' = as many as fit  13 most open items of a workspace  14 id sets of each item
        15 grounds of the decision, kept with it  16 JSON [groups, items]
        group [limit or false, use from which it binds, '1' = facts deny it, meters]: one feature
        meter: hold-figures.lua   item [group, meter, quantity, subject or '', member set, id, first id set]

  Reply  {'REBUILDING'} | {fields joined by |, grounds, answer, open items}, the last three for AGAIN alone; absent is ''
         word, now, rev, cat, then of when it was decided: at, seen, lb, time, used and held of each group, quantity granted
         to each item, why an item costs nothing: m member, h held; last the deadline, absent where nothing is held any more
         OK | DENY nothing was written | AGAIN the operation is known | CONFLICT with another body | STALE resolve again
         DONE its events are counted, its record is gone | STALE_OPERATION | FULL
]]
local m, u, o, a, op = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[8]
local state = redis.call('HMGET', m, 'inc', 'ready', 'half', 'born', 'cat', 'at:' .. ARGV[1], 'seen:' .. ARGV[1], 'lb:' .. ARGV[1])
if not (state[1] and state[2]) or (state[3] or '0') ~= (state[4] or '0') then return { 'REBUILDING' } end
local groups, items = unpack(cjson.decode(ARGV[16]))
local values, now = read_usage(u, groups), clock()
local rev, cat = values[1] or '', state[5] or '0'
local made = { st = ARGV[10], fp = ARGV[6], at = text(now), asat = state[6], seen = state[7], lb = state[8], grounds = ARGV[15] }
local function reply(word, of, ...)
  return { table.concat({ word, made.at, rev, cat, of.asat or '', of.seen or '', of.lb or '', of.at, of.figures or '',
    of.granted or '', of.free or '', of.dl or '' }, '|'), ... }
end
if rev ~= ARGV[2] or tonumber(cat) > tonumber(ARGV[3]) then return reply('STALE', made) end
if now < tonumber(ARGV[4]) or now >= tonumber(ARGV[5]) then return reply('STALE', made) end
local known = load_operation(a)
if known and known.fp ~= ARGV[6] then return reply('CONFLICT', made) end
if known and known.st ~= 'held' then known.dl = '' end
if known then return reply('AGAIN', known, known.grounds, known.ans, (open_lines(o, op, tonumber(known.k)))) end

local counted, figures, room = 0, {}, {}
for _, item in ipairs(items) do
  for set = item[7], item[7] + ARGV[14] - 1 do item.counted = item.counted or redis.call('SISMEMBER', KEYS[set], item[6]) == 1 end
  if item.counted then counted = counted + 1 end
end
for g, group in ipairs(groups) do
  local used, held = used_and_held(group, values)
  figures[g] = text(used) .. ',' .. text(held)
  room[g] = group[1] and used >= group[2] and group[1] - used - held or math.huge
end
made.figures, made.k = table.concat(figures, ','), text(#items)
-- How much of it was granted, or used, is said by its record alone, unless that was all or nothing.
local is_all = ARGV[12] ~= '1' and ARGV[10] == 'committing'
if counted == #items or counted > 0 and not is_all then return reply('DONE', made) end
local time = ARGV[9] ~= '' and tonumber(ARGV[9]) or now
if time < now - 86400000 or time > now + 60000 then return reply('STALE_OPERATION', made) end
if redis.call('HLEN', o) + 2 * #items > tonumber(ARGV[13]) then return reply('FULL', made) end

local fitting = admit(o, groups, items, room, ARGV[12] == '1')
local opened, granted, free = 0, {}, {}
for i, item in ipairs(items) do
  if item.quantity > 0 then opened = opened + 1 end
  granted[i], free[i] = text(item.quantity), item.free
end
made.granted, made.free = table.concat(granted, ','), table.concat(free, ',')
if fitting < (ARGV[12] == '1' and 1 or #items) then return reply('DENY', made) end

redis.call('HINCRBY', m, 'half', 1)
local kind, at = #items == 1 and ARGV[10] == 'committing' and '1' or 'p', text(time)
for i, item in ipairs(items) do
  if item.quantity > 0 then open_item(u, o, op .. '~' .. (i - 1), item, kind, at) end
end
made.dl = text(now + tonumber(ARGV[11]))
save_operation(a, made, 'PX', 172800000)
if opened > 0 then redis.call('ZADD', KEYS[5], made.dl, ARGV[7]) end
redis.call('HINCRBY', m, 'half', -1)
return reply('OK', made)
