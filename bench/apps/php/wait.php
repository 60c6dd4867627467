<?php
usleep(50000);
header("Content-Type: text/plain;charset=UTF-8");
header("Content-Length: 13");
echo "Hello, world\n";
