#!lua
--[[
  Applies the usage events of one shard in (known, upto] of one partition: every event once, or nothing.

  KEYS[1] m      incarnation, watermarks, readiness     KEYS[2] b      dedupe bucket -> latest append time of an id in it
  KEYS[3] dirty  workspace -> stamp, for snapshots      KEYS[4] judge  workspace -> stamp|append time, for limits
  KEYS[5..]      keys the events name by their place here: usage hashes, member sets, dedupe sets
  ARGV  1 inc  2 tp  3 known watermark  4 upto  5 at: append time of upto, ms  6 seen: ms the end was verified, or ''
        7 nonce: makes stamps of one microsecond differ  8 msgpack array of events:
        {offset, bucket, dedupe key, id, workspace, usage key, append time, operations, threshold key if m.th}
        operation: {'add', field, units, day} | {'flow', field, units, occurredAt} | {'set', field, units as string, day}
                 | {'split', field, startsAt} | {'join' or 'leave', key, subject, field, day} | {'members', key, subjects, field, day}
                 'set' and 'members' end with true where the product states its own count: what differed is drift
  Reply  {'INC'} another life | {'REGRESSED', wm} Redis went back: both write nothing | {'OLD', wm} applied before:
         writes readiness and `seen` alone | {'OK', wm, counted, duplicates, drifts: {offset, field, counted, stated} of each}
]]
local m, tp, known, upto = KEYS[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local state = redis.call('HMGET', m, 'inc', 'wm:' .. tp, 'ready', 'base:' .. tp, 'th')
if state[1] ~= ARGV[1] then return { 'INC' } end
local wm, base = tonumber(state[2] or '-1'), tonumber(state[4] or '-1')
if wm < known then return { 'REGRESSED', string.format('%.0f', wm) } end

local function finish()
  if ARGV[6] ~= '' then redis.call('HSET', m, 'seen:' .. tp, ARGV[6]) end
  if state[3] then return end
  local all, at = redis.call('HGETALL', m), {}
  for i = 1, #all, 2 do at[all[i]] = tonumber(all[i + 1]) end
  for field, target in pairs(at) do
    local part = string.match(field, '^target:(%d+)$')
    if part and (at['wm:' .. part] or -1) < math.max(target, at['base:' .. part] or -1) then return end
  end
  redis.call('HSET', m, 'ready', '1')
end

if upto <= wm then finish() return { 'OLD', string.format('%.0f', wm) } end
local events, now = cmsgpack.unpack(ARGV[8]), redis.call('TIME')
for _, e in ipairs(events) do if not (KEYS[e[3]] and KEYS[e[6]] and tonumber(e[1])) then return redis.error_reply('BADEVENT') end end
local stamp = string.format('%s%06d.%s', now[1], tonumber(now[2]), ARGV[7])
local values, touched, raised, buckets, drifts, counted, duplicates = {}, {}, {}, {}, {}, 0, 0

-- Fields are read once, changed here and written back together at the end.
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
    record_size(u, KEYS[o[2]], o[4], o[5])
    return true
  end,
}

for _, e in ipairs(events) do
  if e[1] > wm then
    buckets[e[2]] = true
    if redis.call('SADD', KEYS[e[3]], e[4]) == 0 then duplicates = duplicates + 1
    elseif e[1] > base and not (state[5] and e[1] <= tonumber(redis.call('HGET', KEYS[e[9]], tp) or '-1')) then
      counted = counted + 1
      touched[e[5]] = true
      for _, o in ipairs(e[8]) do
        if operations[o[1]](KEYS[e[6]], o, e[1]) and not (raised[e[5]] and raised[e[5]] < e[7]) then raised[e[5]] = e[7] end
      end
    end
  end
end

for key, row in pairs(values) do
  local pairs_of = {}
  for field, value in pairs(row) do pairs_of[#pairs_of + 1] = field pairs_of[#pairs_of + 1] = value end
  redis.call('HSET', key, unpack(pairs_of))
end
for bucket in pairs(buckets) do
  local latest = math.max(tonumber(redis.call('HGET', KEYS[2], bucket) or '0'), tonumber(ARGV[5]))
  redis.call('HSET', KEYS[2], bucket, string.format('%.0f', latest))
end
for workspace in pairs(touched) do
  redis.call('HSET', KEYS[3], workspace, stamp)
  local first = tonumber(string.match(redis.call('HGET', KEYS[4], workspace) or '', '|(%d+)$'))
  local raise = math.min(raised[workspace] or math.huge, first or math.huge)
  redis.call('HSET', KEYS[4], workspace, raise < math.huge and string.format('%s|%.0f', stamp, raise) or stamp .. '|')
end
redis.call('HSET', m, 'wm:' .. tp, ARGV[4], 'at:' .. tp, ARGV[5])
finish()
return { 'OK', ARGV[4], counted, duplicates, drifts }
