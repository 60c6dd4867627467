-- What is asked comes from the environment: method, body, its type, whether connections are closed, and cookies, one for
-- each request in turn.
wrk.method = os.getenv("BENCH_METHOD") or "GET"
wrk.body = os.getenv("BENCH_BODY")
if wrk.body then wrk.headers["Content-Type"] = os.getenv("BENCH_TYPE") end
if os.getenv("BENCH_CLOSE") then wrk.headers["Connection"] = "close" end

local requests = {}
local turn = 0
init = function()
  for cookie in string.gmatch(os.getenv("BENCH_COOKIES") or "", "[^\n]+") do
    wrk.headers["Cookie"] = cookie
    requests[#requests + 1] = wrk.format()
  end
  if #requests == 0 then requests[1] = wrk.format() end
end

request = function()
  turn = turn % #requests + 1
  return requests[turn]
end

-- Prints wrk's own summary as one line of JSON, so that nothing is parsed out of its table.
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'SUMMARY {"requests":%d,"seconds":%.6f,"bytes":%d,"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,"p50Us":%d,"p99Us":%d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    errors.status, errors.connect, errors.read, errors.write, errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
