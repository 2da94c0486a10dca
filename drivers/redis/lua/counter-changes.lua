--[[
  How an event's changes alter the counters of one workspace; part of apply. What is written stands in cells until the end of the workspace.

  change  kind, value, time of the event   kind {operation, field, field beside it, place of member set, states, place of o: what holds of a resource hold}
          add: units · set: units · flow: units · split: when the window starts · join, leave: subject · members: subjects, each once
          beside a level and a size stands the last of the day, beside a flow the split of its day: `<startsAt>|<base>`
          states: the product's own count, so that what differs is drift
]]
local cells, splits, drifts, restated, holds = {}, {}, {}, {}, nil

local function level_of(u, field) return cells[field] or (tonumber(redis.call('HGET', u, field) or '0')) end

local function used_on(u, kind)
  local field = kind[2]
  if splits[kind[3]] == nil then
    local found = redis.call('HMGET', u, field, kind[3])
    local starts, before = string.match(found[2] or '', '^(%d+)|(%-?%d+)$')
    cells[field] = tonumber(found[1] or '0')
    splits[kind[3]] = starts and { tonumber(starts), tonumber(before) } or false
  end
  return cells[field]
end

local function record_size(kind) cells[kind[3]] = redis.call('SCARD', KEYS[kind[4]]) end

local function change_member(u, kind, subject, is_member)
  redis.call(is_member and 'SADD' or 'SREM', KEYS[kind[4]], subject)
  mark_member(u, KEYS[kind[6]], kind[2], subject, is_member)
  record_size(kind)
  return is_member
end

-- Each changes counters of usage hash u; true when it may have raised one.
local operations = {
  add = function(u, kind, units)
    local level = level_of(u, kind[2]) + units
    cells[kind[2]], cells[kind[3]] = level, level
    return units > 0
  end,
  set = function(u, kind, units, _, offset)
    local old = kind[5] and (cells[kind[2]] or tonumber(redis.call('HGET', u, kind[2]) or ''))
    if old and old ~= units then drifts[#drifts + 1] = { offset, kind[2], old, units } end
    cells[kind[2]], cells[kind[3]] = units, units
    return true
  end,
  flow = function(u, kind, units, time)
    cells[kind[2]] = used_on(u, kind) + units
    local split = splits[kind[3]]
    if split and time < split[1] then split[2], split.is_changed = split[2] + units, true end
    return units > 0
  end,
  split = function(u, kind, starts)
    local used, split = used_on(u, kind), splits[kind[3]]
    if not split or split[1] < starts then splits[kind[3]] = { starts, used, is_changed = true } end
  end,
  join = function(u, kind, subject) return change_member(u, kind, subject, true) end,
  leave = function(u, kind, subject) return change_member(u, kind, subject, false) end,
  members = function(u, kind, subjects, _, offset)
    local set = KEYS[kind[4]]
    local before, kept = redis.call('SCARD', set), 0
    for i = 1, kind[5] and #subjects or 0 do kept = kept + redis.call('SISMEMBER', set, subjects[i]) end
    if kind[5] and before > 0 and kept < math.max(before, #subjects) then drifts[#drifts + 1] = { offset, kind[2], before, #subjects } end
    redis.call('DEL', set)
    for i = 1, #subjects, 500 do redis.call('SADD', set, unpack(subjects, i, math.min(i + 499, #subjects))) end
    holds, restated[kind[2]] = KEYS[kind[6]], set
    record_size(kind) return true
  end,
}

-- Writes the cells of a workspace, some thousands at once (unpack takes eight), and empties them for the next one.
local function write_cells(u)
  if holds then mark_members(u, holds, restated) end
  local flat = {}
  for field, number in pairs(cells) do flat[#flat + 1] = field flat[#flat + 1] = string.format('%.0f', number) end
  for field, split in pairs(splits) do
    if split and split.is_changed then flat[#flat + 1] = field flat[#flat + 1] = string.format('%.0f|%.0f', split[1], split[2]) end
  end
  for i = 1, #flat, 4000 do redis.call('HSET', u, unpack(flat, i, math.min(i + 3999, #flat))) end
  cells, splits, restated, holds = {}, {}, {}, nil
end
