--[[
  How an event's operations change counters; part of apply. What is written stands in values until the end.

  operation  {'add', field, units, day} | {'flow', field, units, occurredAt} | {'set', field, units as string, day}
           | {'split', field, startsAt} | {'join' or 'leave', key, subject, field, day} | {'members', key, subjects, field, day}
             'set' and 'members' end with true where the product states its own count: what differed is drift
]]
local values, drifts = {}, {}

local function row(key) values[key] = values[key] or {} return values[key] end
local function get(key, field)
  row(key)[field] = row(key)[field] or redis.call('HGET', key, field) or '0'
  return tonumber(values[key][field])
end
local function put(key, field, units, day)
  row(key)[field] = string.format('%.0f', units)
  if day then values[key][field .. ':' .. day .. ':l'] = values[key][field] end
end
local function split_of(key, field)
  local starts, before = string.match(redis.call('HGET', key, field .. ':b') or '', '^(%d+)|(%-?%d+)$')
  return tonumber(starts), tonumber(before)
end
local function set_split(key, field, ...) redis.call('HSET', key, field .. ':b', string.format('%.0f|%.0f', ...)) end
local function record_size(key, set, field, day) row(key)[field .. ':' .. day .. ':l'] = redis.call('SCARD', set) end

-- Each changes counters of usage hash u; true when it may have raised one.
local operations = {
  add = function(u, o) put(u, o[2], get(u, o[2]) + o[3], o[4]) return o[3] > 0 end,
  set = function(u, o, at)
    local old = o[5] and (row(u)[o[2]] or redis.call('HGET', u, o[2]))
    if old and tonumber(old) ~= tonumber(o[3]) then drifts[#drifts + 1] = { at, o[2], old, o[3] } end
    put(u, o[2], tonumber(o[3]), o[4]) return true
  end,
  flow = function(u, o)
    put(u, o[2], get(u, o[2]) + o[3])
    local starts, before = split_of(u, o[2])
    if starts and o[4] < starts then set_split(u, o[2], starts, before + o[3]) end
    return o[3] > 0
  end,
  split = function(u, o)
    local starts = split_of(u, o[2])
    if not starts or starts < o[3] then set_split(u, o[2], o[3], get(u, o[2])) end
  end,
  join = function(u, o) redis.call('SADD', KEYS[o[2]], o[3]) record_size(u, KEYS[o[2]], o[4], o[5]) return true end,
  leave = function(u, o) redis.call('SREM', KEYS[o[2]], o[3]) record_size(u, KEYS[o[2]], o[4], o[5]) end,
  members = function(u, o, at)
    local before, kept = redis.call('SCARD', KEYS[o[2]]), 0
    for i = 1, o[6] and #o[3] or 0 do kept = kept + redis.call('SISMEMBER', KEYS[o[2]], o[3][i]) end
    if o[6] and before > 0 and kept < math.max(before, #o[3]) then drifts[#drifts + 1] = { at, o[4], before, #o[3] } end
    redis.call('DEL', KEYS[o[2]])
    for i = 1, #o[3], 500 do redis.call('SADD', KEYS[o[2]], unpack(o[3], i, math.min(i + 499, #o[3]))) end
    record_size(u, KEYS[o[2]], o[4], o[5]) return true
  end,
}
