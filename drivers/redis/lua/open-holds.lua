--[[
  What the scripts of holds and apply share; the loader puts it before them, after held-units.lua.

  o   <op>~<i> -> kind|n|quantity|time|meter|subject of an open hold: n units held, quantity that its event will state
      kind: 1 the only item of a consumption, so that nothing need be asked of its operation; p any other
      ~<meter>~<subject> -> open holds that name this resource: held-units.lua
  a   one operation, a line for each of the names below; absent is empty
]]
-- State (committing, held, settled, released, expired), fingerprint, items, times of hold and end, quantities committed; then
-- what decided it: append times, lower bound, figures, units granted, why they are free, grounds; the answer where it was kept.
local lines_of_a = { 'st', 'fp', 'k', 'at', 'dl', 'cq', 'asat', 'seen', 'lb', 'figures', 'granted', 'free', 'grounds', 'ans' }

local function is_usable(m)
  local life = redis.call('HMGET', m, 'inc', 'ready', 'half', 'born')
  return life[1] and life[2] and (life[3] or '0') == (life[4] or '0')
end

local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function load_operation(a)
  local all, known, i = redis.call('GET', a), {}, 0
  if not all then return nil end
  for line in string.gmatch(all, '([^\n]*)\n') do
    i = i + 1
    known[lines_of_a[i]] = line
  end
  return known
end

-- Options: how long it is kept, as SET takes it.
local function save_operation(a, known, ...)
  local lines = {}
  for i, name in ipairs(lines_of_a) do lines[i] = known[name] or '' end
  redis.call('SET', a, table.concat(lines, '\n') .. '\n', ...)
end

local function parse_item(line)
  local kind, n, quantity, time, meter, subject = string.match(line, '^(.)|(%d+)|(%d+)|(%d+)|([^|]*)|(.*)$')
  return tonumber(n), tonumber(quantity), time, meter, subject, kind
end

local function item_line(kind, n, quantity, time, meter, subject)
  return table.concat({ kind, text(n), text(quantity), time, meter, subject }, '|')
end

-- Ends one hold and says of what kind it was; nil when it was not open.
local function close_item(u, o, field)
  local line = redis.call('HGET', o, field)
  if not line then return nil end
  local n, _, _, meter, subject, kind = parse_item(line)
  redis.call('HDEL', o, field)
  if subject == '' then add_held(u, meter, -n) elseif n > 0 then change_mark(u, o, meter, subject, -1) end
  return kind
end

-- Open holds of so many items, '' for one that is resolved; and whether there is any.
local function open_lines(o, op, count)
  local fields, any = {}, false
  for i = 1, count do fields[i] = op .. '~' .. (i - 1) end
  local lines = count > 0 and redis.call('HMGET', o, unpack(fields)) or {}
  for i = 1, count do lines[i], any = lines[i] or '', any or lines[i] end
  return lines, any and true or false
end
