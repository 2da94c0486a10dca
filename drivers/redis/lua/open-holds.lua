--[[
  What the scripts of holds and apply share; the loader puts it before them.

  o   <op>~<i> -> n|quantity|time|meter|subject of an open hold: n units held, quantity that its event will state
      ~<meter>~<subject> -> open holds that name this resource of a distinct meter: all of them together hold one unit
  a   one operation: fp fingerprint, st state (committing, held, settled, released, expired), k items, left open ones,
      at, dl deadline, figures, granted, free, cq committed quantities, ans answer
  u   h:<meter> is the sum of what is open, and absent when nothing is
]]
local function is_usable(m)
  local life = redis.call('HMGET', m, 'inc', 'ready', 'half', 'born')
  return life[1] and life[2] and (life[3] or '0') == (life[4] or '0')
end

local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function text(number) return string.format('%.0f', number) end

local function add_held(u, meter, n)
  if n ~= 0 and redis.call('HINCRBY', u, 'h:' .. meter, text(n)) <= 0 then redis.call('HDEL', u, 'h:' .. meter) end
end

local function parse_item(line)
  local n, quantity, time, meter, subject = string.match(line, '^(%d+)|(%d+)|(%d+)|([^|]*)|(.*)$')
  return tonumber(n), tonumber(quantity), time, meter, subject
end

-- Opens the hold of an item {_, meter, _, subject, n = units held, quantity = of its event}.
local function open_item(u, o, field, item, time)
  local n, meter, subject = item.n, item[2], item[4]
  redis.call('HSET', o, field, text(n) .. '|' .. text(item.quantity) .. '|' .. time .. '|' .. meter .. '|' .. subject)
  if n > 0 and subject ~= '' and redis.call('HINCRBY', o, '~' .. meter .. '~' .. subject, 1) > 1 then n = 0 end
  add_held(u, meter, n)
end

-- Ends one hold; false when it was not open.
local function close_item(u, o, field)
  local line = redis.call('HGET', o, field)
  if not line then return false end
  local n, _, _, meter, subject = parse_item(line)
  redis.call('HDEL', o, field)
  if n > 0 and subject ~= '' then
    local mark = '~' .. meter .. '~' .. subject
    if redis.call('HINCRBY', o, mark, -1) > 0 then n = 0 else redis.call('HDEL', o, mark) end
  end
  add_held(u, meter, -n)
  return true
end

-- Ends one hold and counts it off its operation; the last one takes the operation off the list of what is due.
local function resolve_item(u, o, a, due, member, field)
  if not close_item(u, o, field) or redis.call('EXISTS', a) == 0 then return end
  if redis.call('HINCRBY', a, 'left', -1) <= 0 then redis.call('ZREM', due, member) end
end

local function resolve_all(u, o, a, due, member, op)
  for i = 0, tonumber(redis.call('HGET', a, 'k') or '0') - 1 do resolve_item(u, o, a, due, member, op .. '~' .. i) end
  redis.call('ZREM', due, member)
end

local function open_lines(o, op, count)
  local lines = {}
  for i = 1, count do lines[i] = redis.call('HGET', o, op .. '~' .. (i - 1)) or '' end
  return lines
end
