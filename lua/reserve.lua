--[[
  Take the units of one message from all of its budgets together, or from none.

  KEYS[1]     the sender's day: a hash with "meta" ("<epoch>@<run of the server>/<limit
              last told>") and each reservation (server's second it was last asked for)
  KEYS[2..n]  further budgets, hashes of the same shape, and, only if there are any,
  KEYS[n+1]   the day's record: a hash whose fields are reservation .. further budget
  ARGV[1..2]  reservation; the server's second
  ARGV[3..]   for each of KEYS[1..n]: cost (0 or 1), limit, meta, seconds to keep it

  What costs nothing is neither judged nor touched. Only a rebuild makes a hash.
  Returns {code, used, i}: 0 taken, now or before; 1 KEYS[i] is full; 2 KEYS[i] must
  be rebuilt first. used counts KEYS[1] after the call.
]]
local call, rid, now, n = redis.call, ARGV[1], ARGV[2], (#ARGV - 2) / 4
local size = call("HLEN", KEYS[1]) -- with "meta", if it is there
local used = size > 0 and size - 1 or 0

for i = 1, n do
  local at, key = 4 * i - 1, KEYS[i]
  if ARGV[at] ~= "0" then
    local meta, found = ARGV[at + 2], call("HMGET", key, "meta", rid)
    if found[1] ~= meta then
      if not found[1] or found[1]:match("^.*/") ~= meta:match("^.*/") then
        return { 2, used, i }
      end
      call("HSET", key, "meta", meta)
      call("EXPIRE", key, ARGV[at + 3])
    end
    local held = i == 1 and size or call("HLEN", key)
    if not found[2] and held > tonumber(ARGV[at + 1]) then
      return { 1, used, i }
    end
  end
end

for i = 1, n do
  if ARGV[4 * i - 1] ~= "0" then
    local added, record = call("HSET", KEYS[i], rid, now), KEYS[n + 1]
    if i == 1 then
      used = used + added
    elseif call("HSET", record, rid .. KEYS[i], "") == 1 and call("HLEN", record) == 1 then
      call("EXPIRE", record, ARGV[6])
    end
  end
end
return { 0, used, 0 }
