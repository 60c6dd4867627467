<?php
// 5 ms of this process's own time.
function used() {
  $usage = getrusage();
  return ($usage["ru_utime.tv_sec"] + $usage["ru_stime.tv_sec"]) * 1000000 + $usage["ru_utime.tv_usec"] + $usage["ru_stime.tv_usec"];
}
for ($end = used() + 5000; used() < $end; );
header("Content-Type: text/plain;charset=UTF-8");
header("Content-Length: 13");
echo "Hello, world\n";
