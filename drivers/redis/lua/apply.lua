#!lua
--[[
  Applies the usage events of one shard in (known, upto] of one partition: every event once, or nothing.

  KEYS[1] m      incarnation, watermarks, readiness     KEYS[2] b      dedupe bucket -> latest append time of an id in it
  KEYS[3] dirty  workspace -> stamp, for snapshots      KEYS[4] judge  workspace -> stamp|append time, for limits
  KEYS[5..]      keys the events name by their place here: usage hashes, member sets, dedupe sets
  ARGV  1 inc  2 tp  3 known watermark  4 upto  5 at: append time of upto, ms  6 seen: ms the end was verified, or ''
        7 nonce: makes stamps of one microsecond differ  8 msgpack array of events:
        {offset, bucket, dedupe key, id, workspace, usage key, append time, operations, threshold key if m.th, reservation}
        operations: counter-changes.lua   reservation, if the event names one: settle.lua
        a void event, which was set aside, has no id: it settles and counts nothing
  m.half counts calls begun and not ended: other than m.born where Redis kept half a call (ADR 0009)
  Reply  {'INC'} another life, or half a call | {'REGRESSED', wm} Redis went back: both write nothing | {'OLD', wm} applied before:
         writes readiness and `seen` alone | {'OK', wm, counted, duplicates, drifts: {offset, field, counted, stated} of each}
]]
local m, tp, known, upto = KEYS[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local state = redis.call('HMGET', m, 'inc', 'wm:' .. tp, 'ready', 'base:' .. tp, 'th', 'half', 'born')
if state[1] ~= ARGV[1] or (state[6] or '0') ~= (state[7] or '0') then return { 'INC' } end
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
local names, touched, raised, buckets, counted, duplicates = {}, {}, {}, {}, 0, 0

if #events > 0 then redis.call('HINCRBY', m, 'half', 1) end
for _, e in ipairs(events) do
  if e[1] > wm then
    local is_void = e[4] == ''
    local is_new = is_void or redis.call('SADD', KEYS[e[3]], e[4]) == 1
    if not is_void then buckets[e[2]] = true end
    if e[10] then settle(KEYS[e[6]], e[10], is_new) end
    if not is_new then duplicates = duplicates + 1
    elseif not is_void and e[1] > base and not (state[5] and e[1] <= tonumber(redis.call('HGET', KEYS[e[9]], tp) or '-1')) then
      if not touched[e[5]] then names[#names + 1] = e[5] end
      counted, touched[e[5]] = counted + 1, true
      for _, o in ipairs(e[8]) do
        if operations[o[1]](KEYS[e[6]], o, e[1]) and not (raised[e[5]] and raised[e[5]] < e[7]) then raised[e[5]] = e[7] end
      end
    end
  end
end

for key, row in pairs(values) do
  local flat = {}
  for field, value in pairs(row) do flat[#flat + 1] = field flat[#flat + 1] = value end
  redis.call('HSET', key, unpack(flat))
end
for bucket in pairs(buckets) do
  local latest = math.max(tonumber(redis.call('HGET', KEYS[2], bucket) or '0'), tonumber(ARGV[5]))
  redis.call('HSET', KEYS[2], bucket, string.format('%.0f', latest))
end
if #names > 0 then
  local firsts, dirty, judge = redis.call('HMGET', KEYS[4], unpack(names)), {}, {}
  for i, workspace in ipairs(names) do
    local first = tonumber(string.match(firsts[i] or '', '|(%d+)$'))
    local raise = math.min(raised[workspace] or math.huge, first or math.huge)
    dirty[2 * i - 1], dirty[2 * i] = workspace, stamp
    judge[2 * i - 1], judge[2 * i] = workspace, raise < math.huge and string.format('%s|%.0f', stamp, raise) or stamp .. '|'
  end
  redis.call('HSET', KEYS[3], unpack(dirty))
  redis.call('HSET', KEYS[4], unpack(judge))
end
redis.call('HSET', m, 'wm:' .. tp, ARGV[4], 'at:' .. tp, ARGV[5])
finish()
if #events > 0 then redis.call('HINCRBY', m, 'half', -1) end
return { 'OK', ARGV[4], counted, duplicates, drifts }
